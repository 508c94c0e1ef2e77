// Comparing an event that was recorded with one that happened again.
//
// Payloads are compared as JSON values: spacing and the order of keys are no difference, also of JSON text inside strings. What
// cannot be the same is not compared: times, ids of events, and what our side has made up by itself (UUIDs, task tokens, names
// and ARNs of the execution), which is told from data by its not being in the input or in any result.
#ifndef ASLC_COMPARE_H
#define ASLC_COMPARE_H

#include "recording.h"

struct comparison {
    struct arena *arena;
    VEC(const char *) ignored;  /* JSON pointers into the history; a step may be * */
    VEC(asl_str) ours;          /* names and ARNs of ours that the recorded execution has others of */
    VEC(asl_str) data;          /* UUIDs and times in the definition, the input and results: these are not made up */
    bool data_sorted;

    /* the first difference found */
    char *pointer;              /* in the recorded file, in the arena */
    asl_value recorded, again;  /* ASL_NONE: absent; yours */
};

/* Whether the details agree; else the first difference is filled in. */
bool comparison_events(struct comparison *c, const struct event *recorded, const struct event *again);
void comparison_clear(struct comparison *c);

/* What is in the text, or in an event's payloads, is data from now on. */
void comparison_data(struct comparison *c, asl_str text);
void comparison_event_data(struct comparison *c, const struct event *recorded);

#endif

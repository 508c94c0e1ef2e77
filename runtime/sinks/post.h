// Private to sinks: one HTTP POST at a time, from a thread that may wait.
#ifndef ASL_POST_H
#define ASL_POST_H

#include "aslc/value.h"

struct post;

/* url: http://… or https://…; headers: "Name: value\r\n" each. NULL with a message. https needs libcurl, which is loaded
   here and nowhere else. */
struct post *post_open(const char *url, const char *headers, char *message, size_t message_size);
void post_close(struct post *p);

struct post_answer {
    int status;         /* 0: no answer */
    int64_t retry_s;    /* Retry-After, or -1 */
    asl_buffer body;    /* what came of it, at most 64 KiB */
};

/* How long it may take is asked again and again: a process that wants to end gives less time. Milliseconds from now. */
typedef int64_t post_patience(void *user);

/* The answer's body is yours to free. */
void post_send(struct post *p, const char *body, size_t size, post_patience *patience, void *user, struct post_answer *out);

#endif

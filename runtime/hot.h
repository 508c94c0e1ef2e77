// What quiet machines call instead of entries of rt.def (compiler/opt/shape, compiler/emit/hot.c). Slots are given as
// pointers, constants as pointers or as their two words, and nothing here explains an error: 1 means "give up".
#ifndef ASL_HOT_H
#define ASL_HOT_H

#include "aslc/program.h"

/* The frame's tables: what a member was found under last time. */
struct asl_hot_cache {
    asl_text *key; /* retained */
    uint32_t at;
};

/* A text that code is made for: up to 16 bytes, the first the lowest. One that is longer has only its size. */
struct asl_hot_text {
    uint64_t size, low, high;
};

/* fresh: what d holds owns nothing, and is written over without a look. */
void asl_hot_copy(asl_value *d, const asl_value *s, uint32_t fresh);
void asl_hot_move(asl_value *d, asl_value *s, uint32_t fresh);     /* s is empty afterwards */
void asl_hot_words(asl_value *d, int64_t head, int64_t body, uint32_t fresh); /* a value that owns nothing */
const asl_value *asl_hot_constant(asl_frame *frame, uint32_t k);
/* Where the member or item is. NULL: there is none; _maybe: ASL_NONE is there. Members are found where they were last time, in
   loops by the very same text. What runs once in an execution has name: with each input come texts of its own. */
const asl_value *asl_hot_field_at(asl_frame *frame, const asl_value *s, uint32_t k, struct asl_hot_cache *cache, const struct asl_hot_text *name);
const asl_value *asl_hot_field_at_maybe(asl_frame *frame, const asl_value *s, uint32_t k, struct asl_hot_cache *cache, const struct asl_hot_text *name);
const asl_value *asl_hot_element_at(const asl_value *s, int64_t index);
const asl_value *asl_hot_element_at_maybe(const asl_value *s, int64_t index);
/* s, an object, or constant k, an empty one, when s holds nothing; NULL: it holds something else. */
const asl_value *asl_hot_object_or_new_at(asl_frame *frame, const asl_value *s, uint32_t k);
int32_t asl_hot_field(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, struct asl_hot_cache *cache,
                      const struct asl_hot_text *name, uint32_t fresh);
void asl_hot_field_maybe(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, struct asl_hot_cache *cache,
                         const struct asl_hot_text *name, uint32_t fresh);
int32_t asl_hot_element(asl_value *d, const asl_value *s, int64_t index, uint32_t fresh);
void asl_hot_element_maybe(asl_value *d, const asl_value *s, int64_t index, uint32_t fresh);
int32_t asl_hot_object_or_new(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t k, uint32_t fresh);
int32_t asl_hot_path(asl_frame *frame, asl_value *d, const asl_value *s, uint32_t p, uint32_t step); /* the rest of a path */
int64_t asl_hot_length(const asl_value *s);                        /* -1: no array */
int64_t asl_hot_timestamp(const asl_value *s);                     /* nanoseconds since 1970; INT64_MIN: none that fits */
int64_t asl_hot_decimal(const asl_value *s);                       /* a double's bits; a NaN's: no number, or one that may be none */
void *asl_hot_keys(asl_frame *frame);   /* the engine's tables, which stay where they are */
void *asl_hot_caches(asl_frame *frame);
void *asl_hot_heap(asl_frame *frame);   /* the thread's, during a run of the engine */
void asl_hot_record(void *heap, asl_value *d, uint32_t members, uint32_t fresh);
/* Member i of the record in x, with constant k as its key. */
void asl_hot_fill(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, const asl_value *s);
void asl_hot_fill_last(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, asl_value *s); /* s is empty afterwards */
void asl_hot_fill_words(asl_frame *frame, void *keys, asl_value *x, uint32_t i, uint32_t k, int64_t head, int64_t body);
/* The object in x becomes one of its own, with room for so many more members; then x[k] = s. */
void asl_hot_own(asl_value *x, uint32_t room);
void asl_hot_set(asl_frame *frame, void *keys, asl_value *x, uint32_t k, const asl_value *s);
void asl_hot_set_last(asl_frame *frame, void *keys, asl_value *x, uint32_t k, asl_value *s); /* s is empty afterwards */

/* An array of so many items, each of which is put in once, as an object's members are. */
void asl_hot_list(void *heap, asl_value *d, uint32_t items, uint32_t fresh);
void asl_hot_list_item(asl_value *x, uint32_t i, const asl_value *s);
void asl_hot_list_item_last(asl_value *x, uint32_t i, asl_value *s); /* s is empty afterwards */
void asl_hot_list_words(asl_value *x, uint32_t i, int64_t head, int64_t body);
void asl_hot_give_back(asl_frame *frame, asl_value *s); /* what asl_rt_result took; s is empty afterwards */
void asl_hot_done(asl_frame *frame, asl_value *s); /* the machine's output; s is empty afterwards */
/* Constant k's pieces round its arguments, one more than those. */
int32_t asl_hot_format(asl_frame *frame, asl_value *d, uint32_t k, const struct asl_hot_text *pieces, uint32_t fresh,
                       const asl_value *a, const asl_value *b, const asl_value *c, const asl_value *e, uint32_t count);
int32_t asl_hot_format_one(asl_frame *frame, asl_value *d, uint32_t k, const struct asl_hot_text *pieces, uint32_t fresh, const asl_value *a);
/* An intrinsic function of up to four arguments. */
int32_t asl_hot_call(asl_frame *frame, asl_value *d, uint32_t function, uint32_t fresh, const asl_value *a, const asl_value *b,
                     const asl_value *c, const asl_value *e, uint32_t count);
/* Doubles by their bits. Not a number, or -0: a NaN. */
int64_t asl_hot_real(const asl_value *s);
void asl_hot_box_real(asl_value *d, int64_t bits, uint32_t fresh);
/* JSONata's: jsonata/quiet.c. */
int64_t asl_hot_remainder(int64_t a, int64_t b);
int32_t asl_hot_apply(asl_frame *frame, asl_value *d, uint32_t builtin, uint32_t fresh, const asl_value *a, const asl_value *b,
                      const asl_value *c, const asl_value *e, uint32_t count);
int32_t asl_hot_join(asl_frame *frame, asl_value *d, uint32_t fresh, const asl_value *a, const asl_value *b, const asl_value *c,
                     const asl_value *e, uint32_t count);
enum asl_hot_relation { ASL_SAME, ASL_OTHER, ASL_IN, ASL_LESS, ASL_LESS_EQUAL, ASL_GREATER, ASL_GREATER_EQUAL, ASL_TRUTH };
int32_t asl_hot_relate(asl_frame *frame, asl_value *d, uint32_t relation, uint32_t fresh, const asl_value *a, const asl_value *b);
void asl_hot_unmarked(asl_value *d, const asl_value *s, uint32_t fresh);
int32_t asl_hot_test(uint32_t choice, const asl_value *a, const asl_value *b);
int32_t asl_hot_affixes(const asl_value *s, const char *head, uint32_t head_size, const char *tail, uint32_t tail_size);
/* Of a text that has them: what follows between the first star and the last (asl__pieces_follow). */
int32_t asl_hot_pieces(const asl_value *s, uint32_t head_size, uint32_t tail_size, const char *pieces, uint32_t count);
void asl_hot_tick(asl_frame *frame, int64_t events, int64_t states);
void asl_hot_arrive(asl_frame *frame, uint32_t n);
/* $$.Execution (0), $$.StateMachine (1): the same in all Context objects of an execution. */
const asl_value *asl_hot_execution(asl_frame *frame, uint32_t which);
/* A Map's iterations in one frame (now.c): whether there is one more, which it becomes then. */
int32_t asl_hot_next_item(asl_frame *frame);
const asl_value *asl_hot_item(asl_frame *frame);
int64_t asl_hot_index(asl_frame *frame);
void asl_hot_begin_item(asl_frame *frame);                         /* it is in the Map's state, as its ItemSelector sees it */
void asl_hot_context(asl_frame *frame, asl_value *d);
void asl_hot_entered(asl_frame *frame, asl_value *d);              /* the state: when */
const asl_value *asl_hot_captured(asl_frame *frame, uint32_t slot); /* of the frame that the Map is in */
void asl_hot_result(asl_frame *frame, const asl_value *s);
void asl_hot_result_last(asl_frame *frame, asl_value *s);          /* s is empty afterwards */
int64_t asl_hot_polls(asl_frame *frame);
void asl_hot_set_polls(asl_frame *frame, int64_t polls);
int32_t asl_hot_poll(asl_frame *frame);                            /* the slow one: every so many back edges */
int64_t asl_hot_events(asl_frame *frame);
void asl_hot_unraise(asl_frame *frame, int64_t events);            /* forgets an error that the watched machine will raise again */
/* All iterations or branches of a site, which only compute, one after the other; *d gets the results. 1: something was
   unusual, and nothing has happened. */
int32_t asl_hot_map(asl_frame *frame, uint32_t t, asl_value *d, const asl_value *items);
int32_t asl_hot_parallel(asl_frame *frame, uint32_t t, asl_value *d, const asl_value *input);
void asl_hot_take_back(asl_frame *frame); /* the frame's last of these has not been, as far as anybody counts */
void asl_hot_draw(asl_frame *frame);   /* what random numbers come next … */
void asl_hot_undraw(asl_frame *frame); /* … comes next again */
/* 1: the frame is run by its parent's step, which is told that it failed. */
int32_t asl_hot_give_up(asl_frame *frame, uint32_t machine, uint32_t resume, uint32_t slots);
/* The quiet machine goes on there again, after ASL_HAND_BACK. */
void asl_hot_hand_back(asl_frame *frame, uint32_t machine, uint32_t resume);
void asl_hot_forget(asl_frame *frame, uint32_t from, uint32_t to);

struct asl_hot_symbol {
    const char *name;
    void *function;
};
extern const struct asl_hot_symbol asl_hot_symbols[]; /* for the JIT; ends with a NULL name */

double asl__hot_number(const asl_value *s); /* of a number that is text, or no number: NaN */

/* rt.c: what is not worth inlining. */
asl_text *asl__hot_key(asl_frame *frame, uint32_t k);
const asl_value *asl__hot_find(asl_frame *frame, asl_object *o, uint32_t k, struct asl_hot_cache *cache);
int32_t asl__hot_relate(asl_frame *frame, asl_value *d, uint32_t relation, const asl_value *a, const asl_value *b); /* jsonata/quiet.c */

#endif

// What compiled code and the runtime share: the program, its image, the frame header, and the operators.
//
//     compiled module                              runtime
//     ---------------                              -------
//     asl_program { abi, image, steps }  ───────►  asl_engine_new(program): decodes the image once per loop
//     int32_t step(asl_frame *)          ◄───────  called for every frame that is ready
//              │  calls asl_rt_*(frame, …) ──────► runtime/rt.def
//              └─ returns DONE | FAILED | SUSPENDED
//
// The interpreter and the JIT fill in the same asl_program; the three engines share everything else.
//
// ---------------------------------------------------------------- the image
//
// Everything that is data travels as one JSON text, decoded when the program is loaded:
//
//   {"abi": 1, "name": "order", "type": "STANDARD", "definition": "<sha256 of the source>",
//    "timeoutSeconds": 60,                           absent: no time limit
//    "file": "order.asl.json", "source": "{…}",      the definition, for reports
//    "constants": [ … ],                             any JSON; op operand kN is constants[N]
//    "paths":     ["$.a.b", "$$.Execution.Id"],      op operand pN; texts as the definition has them
//    "states":    [{"name": "A", "type": "Task"}],   op operand nN
//    "machines":  [{"name": "/",                     0 is the top level; branch: "/P.0", Map processor: "/M"
//                   "slots": ["input", "result"],    names; slots[0] is the raw input of the state being run
//                   "resume": ["A", "A.attempt"],   name of resume point N: a state's beginning, where it goes on
//                   "states": [0, 0],                the state that resume point N belongs to; -1: none
//                   "live": [[0], [0, 1]],           the slots that are read from resume point N on
//                   "captures": [[1, 4]]}],          at start: own slot 1 = parent's slot 4
//    "quiet": 3,                                     machine N + 3 is machine N for executions that nobody watches; its "slots" is a number
//    "caches": 12,                                   of member accesses in quiet machines
//    "functions": [[2, 9]],                          op operand gN: parameters, slots; absent without expressions
//    "sites":     [{"state": 3, "kind": "task",      task | parallel | map | wait; op operand tN
//                   "resource": "arn:…",             task
//                   "timeoutSeconds": 5, "heartbeatSeconds": 2,
//                   "timeoutPath": "$.t", "heartbeatPath": "$.h",       texts, for messages
//                   "secondsPath": "$.w", "timestampPath": "$.t",       wait; texts, for messages
//                   "jsonata": true,                 the state's language, for messages
//                   "machines": [1, 2],              parallel: one a branch; map: one
//                   "maxConcurrency": 0, "toleratedFailureCount": 0, "toleratedFailurePercentage": 0,
//                   "maxConcurrencyPath": "$.n", "toleratedFailureCountPath": …, "toleratedFailurePercentagePath": …,
//                   "itemSelector": true,            map: the processor suspends after its item op; iterations start there
//                   "itemsPath": "$.items", "distributed": true, "executionType": "STANDARD", "label": "…",
//                   "retry": [{"errorEquals": ["States.ALL"], "intervalSeconds": 1, "maxAttempts": 3,
//                              "backoffRate": 2, "maxDelaySeconds": 60, "jitter": true}],
//                   "catch": [["States.ALL"], ["X"]]}],
//    "bindings":  [{"pattern": "arn:*", "handler": "exec:./charge", "thunk": 0}]}      "thunk" only for compiled ffi
#ifndef ASLC_PROGRAM_H
#define ASLC_PROGRAM_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASL_ABI 1

/* What a step function returns. */
enum {
    ASL_DONE = 0,      /* the machine's output was handed over by asl_rt_done */
    ASL_FAILED = 1,    /* the frame holds the error */
    ASL_SUSPENDED = 2, /* waiting; frame->resume tells where to go on */
    ASL_TAIL = 3,      /* functions only: call what the last op named in my stead */
};

/* What an entry that starts something answers when what it would wait for is there: the machine goes on at the resume point
   that it would suspend for. 0: it waits; 1: it has failed (asl_rt_retry: a retrier waits). */
#define ASL_ANSWERED 2

/* What a loop of a watched machine is told when the quiet one is to go on from its next round. */
#define ASL_HAND_BACK 3

#define ASL_NO_OPERAND 0xffffffffu /* an absent slot, constant or path */
#define ASL_LAST       0x80000000u /* set in a source slot operand: the value is dead afterwards and may be moved out */
#define ASL_CONSTANT   0x40000000u /* set in an operand that may be a slot or a constant: it is the constant of that number */

/* The head of every frame: the only layout that generated code knows. Pinned by _Static_assert in runtime/frame.c. */
typedef struct asl_frame {
    asl_value *slot;  /* offset 0 */
    uint32_t resume;  /* offset 8: resume point to enter; written by compiled code before it returns ASL_SUSPENDED */
    uint32_t machine; /* offset 12: index in the image */
    uint32_t state;   /* the state entered last */
    uint32_t now;     /* runs within its parent's step: it must not wait, and when it gives up its parent does */
    uint64_t entered; /* id of that state's Entered event */
    /* private to the runtime from here on */
} asl_frame;

#define ASL_POLLS 1000 /* back edges of loops that go by between two looks at the clock */

#define ASL_FRAME_SLOT    0
#define ASL_FRAME_RESUME  8
#define ASL_FRAME_MACHINE 12

typedef int32_t asl_step(asl_frame *frame);

/* One argument or the result of a C function called through ffi. */
typedef union asl_cell {
    int i;
    long l;
    double d;
    bool b;
    const char *s; /* string, json: UTF-8 text */
    void *p;       /* cjson: cJSON * */
} asl_cell;

/* A direct call compiled for a resource bound with --bind ffi:…: unpacks the cells, calls, packs the result. */
typedef void asl_thunk(asl_cell *result, const asl_cell *arguments);

typedef struct asl_program {
    uint32_t abi; /* ASL_ABI */
    uint32_t step_count;
    const char *image;
    size_t image_size;
    asl_step *const *steps; /* one per machine */
    asl_thunk *const *thunks;
    /* The handlers linked in, ending in NULL: a program without Task states links none. */
    const struct asl_handler *const *handlers;
    void *user; /* the interpreter's plan; NULL in compiled programs */
    asl_step *const *functions; /* of expressions, by number; called with a function's frame (runtime/jsonata/jx.h) */
    size_t function_count;
} asl_program;

/* The program a frame runs: how the interpreter's step function finds its plan. */
const asl_program *asl_frame_program(const asl_frame *frame);

/* How a path op explains itself when a definite path finds nothing (aws-observed-behaviour 2.2). `field` below is the
   constant given with the op. */
typedef enum asl_path_mode {
    ASL_PATH_INVALID,  /* States.Runtime "Invalid path '$.x' : No results for path: $['x']": InputPath, OutputPath, …SecondsPath of Task */
    ASL_PATH_TEMPLATE, /* "The JSONPath '$.x' specified for the field '<field>' could not be found in the input '…'"; index past the end: null */
    ASL_PATH_FIELD,    /* the same text, index past the end is missing too: ErrorPath, CausePath */
    ASL_PATH_ARGUMENT, /* "The function '<field>' had the following error: The JsonPath argument for the field '$.x' could not be found in the input '…'" */
    ASL_PATH_CHOICE,   /* "Invalid path '$.x': The choice state's condition path references an invalid value." */
    ASL_PATH_OPTIONAL, /* no error: the slot becomes ASL_NONE */
} asl_path_mode;

/* What a field of a JSONata state wants of its expression's value. */
typedef enum asl_expected { ASL_EXPECT_ARRAY, ASL_EXPECT_NUMBER, ASL_EXPECT_STRING } asl_expected;

typedef enum asl_intrinsic {
#define INTRINSIC(id, name, min, max, result) ASL_INTRINSIC_##id,
#include "intrinsics.def"
#undef INTRINSIC
    ASL_INTRINSIC_COUNT
} asl_intrinsic;

typedef enum asl_choice {
#define CHOICE(id, name, type, path) ASL_CHOICE_##id,
#include "choice.def"
#undef CHOICE
    ASL_CHOICE_COUNT
} asl_choice;

#ifdef __cplusplus
}
#endif
#endif

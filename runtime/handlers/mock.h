// The MockConfigFile of AWS Step Functions Local, for the engine: open it, ask which states it serves, have it checked.
//
// The state is that of asl_handler_mock, whose start and cancel serve the tasks.
#ifndef ASL_MOCK_H
#define ASL_MOCK_H

#include "aslc/handler.h"

/* Reads the file and picks the test case: of the only machine that has it, else of the machine named `program`.
   test_case NULL: the file's only test case; "": no state is mocked. Every mistake of the file is added to *errors as a
   line "FILE:LINE:COLUMN: error: …", and then the result is -1; else 0. program may be NULL. */
int asl__mock_open(const char *file, const char *test_case, const char *program, void **state, asl_buffer *errors);
/* The same with the text at hand; file is its name in messages. */
int asl__mock_parse(asl_str text, const char *file, const char *test_case, const char *program, void **state,
                    asl_buffer *errors);
/* The same as asl_handler_mock.close. */
void asl__mock_close(void *state);

/* Is this Task state answered by the mock? Others go to their handler. */
bool asl__mock_serves(void *state, const char *state_name);

/* Warnings, a line each, '\n' between them: a state that is no Task state of this machine, an unused response, a
   response without an entry, a trailing comma. "" when there are none. */
void asl__mock_check(void *state, const char *const *task_states, size_t count, char *warnings, size_t size);
/* One more: the last answer is a Throw and the state can be called more often than there are answers (its retriers'
   MaxAttempts + 1). Appends a line to warnings. */
void asl__mock_check_calls(void *state, const char *task_state, uint64_t most_calls, char *warnings, size_t size);

/* An execution has ended: its counts are not needed any more. */
void asl__mock_forget(void *state, uint64_t execution);

#endif

// Private to the runtime: the expressions of an engine.
#ifndef ASL_JX_STATE_H
#define ASL_JX_STATE_H

#include "../engine.h"
#include "run.h"

extern const struct jx_limits jx_service; /* what one evaluation may take */
/* Decodes the engine's expressions when they are first needed. NULL with a message. */
struct jx_program *jx_expressions(asl_engine *e, char *message, size_t message_size);

#endif

// One evaluation of an expression.
#include "jx.h"

struct jx {
    const asl_program *program;
};

const asl_program *asl_rt_jx_program(const asl_frame *frame) {
    return ((const struct jx_frame *)frame)->jx->program;
}

// Names that the plan's printer and parser share.
#ifndef ASLC_IR_TEXT_H
#define ASLC_IR_TEXT_H

/* ORDER path modes (aslc/program.h) */
extern const char *const ir_path_mode_names[];
extern const char *const ir_intrinsic_names[];
extern const char *const ir_choice_names[];
/* ORDER exit kinds (ir.h) */
extern const char *const ir_exit_names[];

#endif

// The run options (contract.md) as the driver of aslc sees them: one implementation for `aslc run`, `aslc interpret` and
// every compiled executable.
#ifndef ASL_RUN_MAIN_H
#define ASL_RUN_MAIN_H

#include "aslc/program.h"

/* Parses the options in argv[0 … argc) (no program name in front), runs one execution and reports it. program_name
   begins messages. The exit status. */
int asl__run_main(const asl_program *program, const char *program_name, int argc, char **argv);

extern const char asl__run_usage[];                /* "Run options:\n  --input …" */
extern const char *const asl__run_valued_options[]; /* "--input", "--mock", …: those that take a value; ends in NULL */
extern const char *const asl__run_flag_options[];   /* "--describe", …: those that take none */

extern const char *const asl__run_commands[];      /* "run", "list", …; ends in NULL */

#endif

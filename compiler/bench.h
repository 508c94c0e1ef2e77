// aslc bench: one definition, compiled against interpreted.
#ifndef ASLC_BENCH_H
#define ASLC_BENCH_H

/* The command's words after "bench". Returns the exit status: 0, 1 when the outputs differ or nothing could be measured,
   2 for bad usage, definition or input. */
int bench_main(int argc, char **argv);

extern const char bench_usage[];

#endif

// Private to sinks: where lines of text go: standard error, a file, a UNIX socket.
#ifndef ASL_LINES_H
#define ASL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines;

/* destination: "FILE", "unix:PATH", or NULL for standard error. NULL with a message when it cannot be. */
struct lines *lines_open(const char *destination, char *message, size_t message_size);
/* How long a line may be there, its newline included; 0: as long as it likes. */
size_t lines_limit(const struct lines *l);
void lines_put(struct lines *l, const char *line, size_t size); /* with its newline; never waits; from any thread */
uint64_t lines_dropped(struct lines *l);
uint64_t lines_close(struct lines *l); /* waits a little for what is on its way; how many were dropped, ever */

/* A word on standard error at the end, unless that would have to wait. */
void lines_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

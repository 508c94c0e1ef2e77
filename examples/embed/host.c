// A C program that prices orders with the compiled workflow, once in one call and once in steps from a loop of its own.
#include <poll.h>
#include <stdio.h>

#include "quote.h"

static void at_once(const char *order) {
    char *output = NULL, *error = NULL, *cause = NULL;
    if (quote_execute(order, &output, &error, &cause) == quote_SUCCEEDED)
        printf("at once:  %s\n", output);
    else
        printf("at once:  %s: %s\n", error, cause);
    quote_free(output), quote_free(error), quote_free(cause);
}

static void in_steps(const char *order) {
    char *message = NULL;
    struct quote_run *run = quote_start(order, NULL, &message);
    if (!run) {
        printf("in steps: %s\n", message);
        quote_free(message);
        return;
    }
    while (quote_step(run) == quote_RUNNING) {
        // A program with an event loop of its own would hand these two to it.
        struct pollfd outside = {.fd = quote_poll_fd(run), .events = POLLIN};
        poll(&outside, 1, (int)quote_next_deadline(run));
    }
    if (quote_status(run) == quote_SUCCEEDED)
        printf("in steps: %s\n", quote_output(run));
    else
        printf("in steps: %s: %s\n", quote_error(run), quote_cause(run));
    quote_close(run);
}

int main(void) {
    at_once("{\"items\":[{\"sku\":\"pencil\",\"quantity\":10},{\"sku\":\"notebook\",\"quantity\":2}]}");
    at_once("{\"items\":[{\"sku\":\"lamp\",\"quantity\":2}]}");
    at_once("{\"items\":[{\"sku\":\"sofa\",\"quantity\":1}]}");
    in_steps("{\"items\":[{\"sku\":\"pencil\",\"quantity\":1}],\"express\":true}");
    in_steps("not JSON");
    return 0;
}

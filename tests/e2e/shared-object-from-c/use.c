#include <poll.h>
#include <stdio.h>

#include "my-order.h"

#define OPTIONS "{\"bind\": {\"arn:*:charge\": \"exec:cat\"}, \"clock\": \"virtual\"}"
#define REFUSED "{\"bind\": {\"arn:*:charge\": \"fail:Card.Declined:no money\"}}"

int main(void) {
    char *output, *error, *cause;
    int status = order_execute_with("{\"id\": 1}", OPTIONS, &output, &error, &cause);
    printf("%d %s\n", status, output);
    order_free(output);
    status = order_execute_with("{}", REFUSED, &output, &error, &cause);
    printf("%d %s: %s\n", status, error, cause);
    order_free(error);
    order_free(cause);
    status = order_execute("{", NULL, NULL, &cause);
    printf("%d %s\n", status, cause);
    order_free(cause);

    struct order_run *run = order_start("{\"id\": 2}", OPTIONS, NULL);
    while (order_step(run) == order_RUNNING) {
        struct pollfd p = {order_poll_fd(run), POLLIN, 0};
        poll(&p, 1, (int)order_next_deadline(run));
    }
    printf("%d %s\n", order_status(run), order_output(run));
    order_close(run);
    printf("interface %u\n", (unsigned)order_abi_version());
    return 0;
}

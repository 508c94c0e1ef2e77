// Calls a workflow that the build compiled to a shared library.
#include <stdio.h>

#include "greet.h"

int main(void) {
    char *output = NULL;
    int status = greet_execute("{\"who\":\"app\"}", &output, NULL, NULL);
    if (status == greet_SUCCEEDED)
        puts(output);
    greet_free(output);
    return status;
}

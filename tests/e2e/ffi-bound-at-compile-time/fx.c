#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double score(double a, int b, bool twice) {
    return a * b * (twice ? 2 : 1);
}

char *greet(const char *name) {
    char *text = malloc(strlen(name) + 8);
    sprintf(text, "Hello, %s", name);
    return text;
}

bool old(long age) {
    return age > 3000000000;
}

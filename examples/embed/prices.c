// The C functions that the workflow's Task states call. They are compiled into libquote.so: no process is started, and no
// library is looked for at run time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *price_of(const char *sku, long quantity);
char *sum_of(const char *json);

/* (string,long)->json: the price of one line in cents, or an error that the workflow can retry or catch. */
char *price_of(const char *sku, long quantity) {
    static const struct {
        const char *sku;
        long cents;
    } articles[] = {{"pencil", 120}, {"notebook", 450}, {"lamp", 3990}};
    char *json = malloc(strlen(sku) + 64);
    if (!json)
        abort();
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++)
        if (strcmp(sku, articles[i].sku) == 0) {
            sprintf(json, "%ld", articles[i].cents * quantity);
            return json;
        }
    sprintf(json, "{\"Error\":\"UnknownArticle\",\"Cause\":\"%s\"}", strpbrk(sku, "\"\\") ? "a strange name" : sku);
    return json;
}

/* (json)->json: the sum of an array of integers. */
char *sum_of(const char *json) {
    long sum = 0;
    for (const char *p = json; *p;) {
        char *end;
        long n = strtol(p, &end, 10);
        p = end > p ? (sum += n, end) : p + 1;
    }
    char *text = malloc(24);
    if (!text)
        abort();
    sprintf(text, "%ld", sum);
    return text;
}

// Times for people: three digits and a unit.
#ifndef ASLC_DURATION_H
#define ASLC_DURATION_H

#include <stddef.h>
#include <stdio.h>

/* "1.23 ms"; returns out. */
static inline const char *duration(double seconds, char out[32]) {
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
    size_t i = 0;
    while (i < 3 && seconds < units[i].unit)
        i++;
    double n = seconds / units[i].unit;
    snprintf(out, 32, "%.*f %s", n < 10 ? 2 : n < 100 ? 1 : 0, n, units[i].name);
    return out;
}

#endif

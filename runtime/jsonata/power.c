// x to the power of y, to the last bit as the reference's host computes it: JavaScript leaves that to its engines. The
// method and its constants are those of the freely distributable math library:
//
//     Copyright (C) 2004 by Sun Microsystems, Inc. All rights reserved.
//     Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is
//     preserved.
//
// but for one pair of brackets (exp2_of).
//
//     x = 2^n (1 + f);  log2(x) = n + log2(1 + f) = t1 + t2, t1 with zeros in its lower half;
//     y log2(x) = n' + y', |y'| <= 0.5, in pieces;  x^y = 2^n' exp(y' log 2)
#include "lib.h"

#include <math.h>

static double from_bits(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint64_t to_bits(double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static int32_t high_word(double d) { return (int32_t)(to_bits(d) >> 32); }
static double without_low_word(double d) { return from_bits(to_bits(d) & 0xffffffff00000000u); }
static double with_high_word(double d, int32_t high) {
    return from_bits((to_bits(d) & 0xffffffffu) | (uint64_t)(uint32_t)high << 32);
}

static const double bp[] = {1.0, 1.5}, dp_h[] = {0.0, 5.84962487220764160156e-01}, dp_l[] = {0.0, 1.35003920212974897128e-08};
static const double L1 = 5.99999999999994648725e-01, L2 = 4.28571428578550184252e-01, L3 = 3.33333329818377432918e-01,
                    L4 = 2.72728123808534006489e-01, L5 = 2.30660745775561754067e-01, L6 = 2.06975017800338417784e-01;
static const double P1 = 1.66666666666666019037e-01, P2 = -2.77777777770155933842e-03, P3 = 6.61375632143793436117e-05,
                    P4 = -1.65339022054652515390e-06, P5 = 4.13813679705723846039e-08;
static const double lg2 = 6.93147180559945286227e-01, lg2_h = 6.93147182464599609375e-01, lg2_l = -1.90465429995776804525e-09;
static const double ovt = 8.0085662595372944372e-17; // -(1024 - log2(largest + half a unit))
static const double cp = 9.61796693925975554329e-01, cp_h = 9.61796700954437255859e-01, cp_l = -7.02846165095275826516e-09;
static const double ivln2 = 1.44269504088896338700e+00, ivln2_h = 1.44269502162933349609e+00,
                    ivln2_l = 1.92596299112661746887e-08;

// log2(ax) as *t1 + *t2, for |y| so large that only an ax next to 1 gives a finite power.
static void log_near_one(double ax, double *t1, double *t2) {
    double t = ax - 1;
    double w = (t * t) * (0.5 - t * (0.3333333333333333333333 - t * 0.25));
    double u = ivln2_h * t, v = t * ivln2_l - w * ivln2;
    *t1 = without_low_word(u + v);
    *t2 = v - (*t1 - u);
}

static void log_of(double ax, double *t1, double *t2) {
    int32_t ix = high_word(ax), n = 0;
    if (ix < 0x00100000) { // subnormal
        ax *= 0x1p53;
        n -= 53;
        ix = high_word(ax);
    }
    n += (ix >> 20) - 0x3ff;
    int32_t j = ix & 0x000fffff;
    ix = j | 0x3ff00000;
    int k;
    if (j <= 0x3988E) k = 0; // |x| < sqrt(3/2)
    else if (j < 0xBB67A) k = 1; // |x| < sqrt(3)
    else {
        k = 0;
        n += 1;
        ix -= 0x00100000;
    }
    ax = with_high_word(ax, ix);
    // s = s_h + s_l = (x - 1) / (x + 1) or (x - 1.5) / (x + 1.5)
    double u = ax - bp[k], v = 1.0 / (ax + bp[k]), s = u * v, s_h = without_low_word(s);
    double t_h = with_high_word(0, ((ix >> 1) | 0x20000000) + 0x00080000 + (k << 18));
    double t_l = ax - (t_h - bp[k]);
    double s_l = v * ((u - s_h * t_h) - s_h * t_l);
    double s2 = s * s;
    double r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6)))));
    r += s_l * (s_h + s);
    s2 = s_h * s_h;
    t_h = without_low_word(3.0 + s2 + r);
    t_l = r - ((t_h - 3.0) - s2);
    u = s_h * t_h;
    v = s_l * t_h + t_l * s;
    double p_h = without_low_word(u + v), p_l = v - (p_h - u);
    double z_h = cp_h * p_h, z_l = cp_l * p_h + p_l * cp + dp_l[k], t = n;
    *t1 = without_low_word(((z_h + z_l) + dp_h[k]) + t);
    *t2 = z_l - (((*t1 - t) - dp_h[k]) - z_h);
}

// 2 to the power of p_h + p_l, whose sum is between -1075 and 1024.
static double exp2_of(double p_h, double p_l) {
    int32_t j = high_word(p_l + p_h), i = j & 0x7fffffff, n = 0;
    if (i > 0x3fe00000) { // |z| > 0.5: n = the integer next to it
        int32_t k = (i >> 20) - 0x3ff;
        n = j + (0x00100000 >> (k + 1));
        k = ((n & 0x7fffffff) >> 20) - 0x3ff;
        double t = with_high_word(0, n & ~(0x000fffff >> k));
        n = ((n & 0x000fffff) | 0x00100000) >> (20 - k);
        if (j < 0) n = -n;
        p_h -= t;
    }
    double t = without_low_word(p_l + p_h), u = t * lg2_h, v = (p_l - (t - p_h)) * lg2 + t * lg2_l;
    double z = u + v, w = v - (z - u);
    t = z * z;
    double t1 = z - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
    // In the original the last term is subtracted from the quotient, which is better by a bit now and then.
    double r = (z * t1) / ((t1 - 2.0) - (w + z * w));
    z = 1.0 - (r - z);
    j = (int32_t)((uint32_t)high_word(z) + ((uint32_t)n << 20));
    return (j >> 20) <= 0 ? scalbn(z, n) : with_high_word(z, j);
}

double jx_power(double x, double y) {
    if (y == 0) return 1;
    if (isnan(x) || isnan(y)) return NAN;
    if (isinf(y)) {
        double ax = fabs(x);
        return ax == 1 ? NAN : (ax > 1) == (y > 0) ? INFINITY : 0; // where C has 1
    }
    bool whole = y == floor(y), odd = whole && fabs(y) < 0x1p53 && fmod(y, 2) != 0;
    if (y == 1) return x;
    if (y == -1) return 1 / x;
    if (y == 2) return x * x;
    if (y == 0.5 && x >= 0) return sqrt(x);
    double ax = fabs(x);
    if (isinf(x) || ax == 0 || ax == 1) {
        double z = y < 0 ? 1 / ax : ax;
        if (x < 0 || (x == 0 && signbit(x))) {
            if (ax == 1 && !whole) return NAN;
            if (odd) z = -z;
        }
        return z;
    }
    if (x < 0 && !whole) return NAN;
    double sign = x < 0 && odd ? -1 : 1, t1, t2;
    int32_t ix = high_word(ax), iy = high_word(fabs(y));
    if (iy > 0x41e00000) { // |y| > 2^31
        if (iy > 0x43f00000 || ix < 0x3fefffff || ix > 0x3ff00000) {
            if (ax != 1) return (ax < 1) == (y < 0) ? sign * INFINITY : sign * 0.0;
        }
        log_near_one(ax, &t1, &t2);
    } else {
        log_of(ax, &t1, &t2);
    }
    double y1 = without_low_word(y), p_l = (y - y1) * t1 + y * t2, p_h = y1 * t1, z = p_l + p_h;
    if (z >= 1024 && (z > 1024 || p_l + ovt > z - p_h)) return sign * INFINITY;
    if (z <= -1075 && (z < -1075 || p_l <= z - p_h)) return sign * 0.0;
    return sign * exp2_of(p_h, p_l);
}

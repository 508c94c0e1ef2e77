// A generic JSON value model as a good compiler's runtime could have it, for the limit programs only.
//
// Words of 64 bits with tags: 61-bit integers inline; immutable reference-counted strings, arrays and objects; object
// keys interned to 32-bit numbers; a key list shared by all objects built from one template; free lists by size class.
// Its input is trusted, numbers print exactly only when they are short decimals: a limit, not a library.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
typedef uint64_t V; /* ...1 = int; ...000 = pointer; 2 null, 6 true, 10 false, 14 absent */
enum { T_STR, T_DBL, T_ARR, T_OBJ };
#define V_NULL  ((V)2)
#define V_TRUE  ((V)6)
#define V_FALSE ((V)10)
#define V_NONE  ((V)14)
typedef struct {
    uint32_t rc;
    uint16_t type, cls;
    uint32_t len, pad;
} H;
typedef struct {
    H h;
    char s[];
} Str;
typedef struct {
    H h;
    double d;
} Dbl;
typedef struct {
    H h;
    V v[];
} Arr;
typedef struct {
    H h;
    const uint32_t *keys;
    V v[];
} Obj; /* keys: static, or owned right behind v[] */
static inline int is_int(V v) { return v & 1; }
static inline V mk_int(int64_t i) { return ((V)i << 1) | 1; }
static inline int64_t as_int(V v) { return (int64_t)v >> 1; }
static inline int is_ptr(V v) { return (v & 3) == 0; }
static inline H *hp(V v) { return (H *)v; }

/* --- allocation: 16-byte size classes to 1 KB, refilled from 256 KB chunks; larger ones from malloc --- */
#define NCLS 65
static void *v_free[NCLS];
static char *v_cur, *v_end;
static void *v_refill(size_t sz) {
    if (v_cur + sz > v_end) {
        v_cur = malloc(262144);
        v_end = v_cur + 262144;
    }
    void *p = v_cur;
    v_cur += sz;
    return p;
}
static inline void *v_alloc(size_t sz, int type, uint32_t len) {
    size_t c = (sz + 15) >> 4;
    H *h;
    if (c < NCLS) {
        h = v_free[c];
        if (h)
            v_free[c] = *(void **)h;
        else
            h = v_refill(c << 4);
    } else {
        h = malloc(sz);
        c = 0;
    }
    h->rc = 1;
    h->type = (uint16_t)type;
    h->cls = (uint16_t)c;
    h->len = len;
    return h;
}
static inline void v_dealloc(H *h) {
    if (h->cls) {
        void **p = (void **)h;
        unsigned c = h->cls;
        *p = v_free[c];
        v_free[c] = p;
    } else
        free(h);
}
#ifdef ATOMIC_RC
#define RC_INC(p) __atomic_fetch_add(&(p)->rc, 1, __ATOMIC_RELAXED)
#define RC_DEC(p) (__atomic_sub_fetch(&(p)->rc, 1, __ATOMIC_ACQ_REL) == 0)
#else
#define RC_INC(p) ((p)->rc++)
#define RC_DEC(p) (--(p)->rc == 0)
#endif
static void v_destroy(H *h);
static inline V v_ref(V v) {
    if (is_ptr(v)) RC_INC(hp(v));
    return v;
}
static inline void v_unref(V v) {
    if (is_ptr(v) && RC_DEC(hp(v))) v_destroy(hp(v));
}
static void v_destroy(H *h) {
    if (h->type == T_ARR) {
        Arr *a = (Arr *)h;
        for (uint32_t i = 0; i < h->len; i++) v_unref(a->v[i]);
    } else if (h->type == T_OBJ) {
        Obj *o = (Obj *)h;
        for (uint32_t i = 0; i < h->len; i++) v_unref(o->v[i]);
    }
    v_dealloc(h);
}
/* --- interning --- */
static char *k_str[65536];
static uint32_t k_len[65536], k_hash[65536], k_tab[131072], k_n = 1;
static inline uint32_t k_hashf(const char *s, size_t n) {
    uint64_t h = n * 0x9E3779B97F4A7C15ull, w;
    while (n >= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
        s += 8;
        n -= 8;
    }
    w = 0;
    memcpy(&w, s, n);
    h = (h ^ w) * 0xff51afd7ed558ccdull;
    return (uint32_t)(h ^ (h >> 29));
}
static inline uint32_t k_intern(const char *s, size_t n) {
    uint32_t h = k_hashf(s, n), i = h & 131071, k;
    while ((k = k_tab[i])) {
        if (k_hash[k] == h && k_len[k] == n && !memcmp(k_str[k], s, n)) return k;
        i = (i + 1) & 131071;
    }
    k = k_n++;
    k_str[k] = malloc(n + 1);
    memcpy(k_str[k], s, n);
    k_str[k][n] = 0;
    k_len[k] = (uint32_t)n;
    k_hash[k] = h;
    return k_tab[i] = k;
}
static uint32_t K(const char *s) { return k_intern(s, strlen(s)); }
/* --- constructors --- */
static inline V mk_str(const char *s, size_t n) {
    Str *p = v_alloc(sizeof(Str) + n, T_STR, (uint32_t)n);
    memcpy(p->s, s, n);
    return (V)p;
}
static inline V mk_dbl(double d) {
    Dbl *p = v_alloc(sizeof(Dbl), T_DBL, 0);
    p->d = d;
    return (V)p;
}
static inline Arr *mk_arr(uint32_t n) { return v_alloc(sizeof(Arr) + n * 8, T_ARR, n); }
static inline Obj *mk_obj_t(const uint32_t *keys, uint32_t n) {
    Obj *o = v_alloc(sizeof(Obj) + n * 8, T_OBJ, n);
    o->keys = keys;
    return o;
} /* shared keys */
static inline Obj *mk_obj_own(uint32_t n) {
    Obj *o = v_alloc(sizeof(Obj) + n * 12, T_OBJ, n);
    o->keys = (uint32_t *)(o->v + n);
    return o;
}
/* --- access: c is an inline cache of the slot --- */
static inline V o_get(V v, uint32_t k, uint32_t *c) {
    Obj *o = (Obj *)v;
    if (!is_ptr(v) || o->h.type != T_OBJ) return V_NONE;
    if (*c < o->h.len && o->keys[*c] == k) return o->v[*c];
    for (uint32_t i = 0; i < o->h.len; i++)
        if (o->keys[i] == k) {
            *c = i;
            return o->v[i];
        }
    return V_NONE;
}
/* new object = v with k set to nv (nv consumed, v borrowed) */
static V o_with(V v, uint32_t k, V nv) {
    Obj *o = (Obj *)v;
    uint32_t n = o->h.len, i;
    for (i = 0; i < n && o->keys[i] != k; i++);
    Obj *r = mk_obj_own(i == n ? n + 1 : n);
    uint32_t *ks = (uint32_t *)r->keys;
    for (uint32_t j = 0; j < n; j++) {
        ks[j] = o->keys[j];
        r->v[j] = j == i ? nv : v_ref(o->v[j]);
    }
    if (i == n) {
        ks[n] = k;
        r->v[n] = nv;
    }
    return (V)r;
}
/* --- parse --- */
static const double P10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static inline const char *p_ws(const char *p) {
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') p++;
    return p;
}
static inline const char *p_strend(const char *p) { /* first '"' or '\\' or control char */
#if defined(__SSE2__)
    for (;; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        int m = _mm_movemask_epi8(
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                         _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(31)), x)));
        if (m) return p + __builtin_ctz(m);
    }
#else
    while (*p != '"' && *p != '\\' && (unsigned char)*p >= 32) p++;
    return p;
#endif
}
static V p_stack[1 << 16];
static uint32_t p_sp;
static const char *p_val(const char *p, V *out);
static const char *p_raw(const char *p, const char **s, size_t *n, char **own) { /* p after the opening quote */
    const char *e = p_strend(p);
    if (*e == '"') {
        *s = p;
        *n = (size_t)(e - p);
        *own = 0;
        return e + 1;
    }
    char *b = malloc(strlen(p) + 1), *w = b; /* slow path: escapes */
    for (;;) {
        e = p_strend(p);
        memcpy(w, p, (size_t)(e - p));
        w += e - p;
        if (*e != '\\') break;
        e++;
        char c = *e++;
        if (c == 'u') {
            unsigned u;
            sscanf(e, "%4x", &u);
            e += 4;
            if (u < 128)
                *w++ = (char)u;
            else if (u < 2048) {
                *w++ = (char)(192 | u >> 6);
                *w++ = (char)(128 | (u & 63));
            } else {
                *w++ = (char)(224 | u >> 12);
                *w++ = (char)(128 | ((u >> 6) & 63));
                *w++ = (char)(128 | (u & 63));
            }
        } else
            *w++ = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
        p = e;
    }
    *s = *own = b;
    *n = (size_t)(w - b);
    return e + 1;
}
static const char *p_num(const char *p, V *out) {
    const char *s = p;
    int neg = *p == '-';
    p += neg;
    uint64_t m = 0;
    int nd = 0, ex = 0;
    while ((unsigned)(*p - '0') < 10) {
        m = m * 10 + (uint64_t)(*p++ - '0');
        nd++;
    }
    if (*p != '.' && *p != 'e' && *p != 'E' && nd < 18) {
        *out = mk_int(neg ? -(int64_t)m : (int64_t)m);
        return p;
    }
    if (*p == '.') {
        p++;
        while ((unsigned)(*p - '0') < 10) {
            m = m * 10 + (uint64_t)(*p++ - '0');
            nd++;
            ex--;
        }
    }
    if (*p == 'e' || *p == 'E' || nd > 15 || ex < -22) {
        char *e;
        *out = mk_dbl(strtod(s, &e));
        return e;
    }
    double d = (double)m / P10[-ex];
    *out = mk_dbl(neg ? -d : d);
    return p;
}
static const char *p_val(const char *p, V *out) {
    p = p_ws(p);
    if (*p == '"') {
        const char *s;
        size_t n;
        char *own;
        p = p_raw(p + 1, &s, &n, &own);
        *out = mk_str(s, n);
        if (own) free(own);
        return p;
    }
    if (*p == '{') {
        uint32_t b = p_sp, n = 0;
        p = p_ws(p + 1);
        if (*p == '}') {
            *out = (V)mk_obj_own(0);
            return p + 1;
        }
        for (;;) {
            const char *s;
            size_t l;
            char *own;
            p = p_raw(p_ws(p) + 1, &s, &l, &own);
            uint32_t k = k_intern(s, l);
            if (own) free(own);
            p = p_ws(p) + 1;
            p_stack[p_sp] = k;
            p_sp += 2;
            V x;
            p = p_val(p, &x);
            p_stack[b + 2 * n + 1] = x;
            n++;
            p = p_ws(p);
            if (*p++ == '}') break;
        }
        Obj *o = mk_obj_own(n);
        uint32_t *ks = (uint32_t *)o->keys;
        for (uint32_t i = 0; i < n; i++) {
            ks[i] = (uint32_t)p_stack[b + 2 * i];
            o->v[i] = p_stack[b + 2 * i + 1];
        }
        p_sp = b;
        *out = (V)o;
        return p;
    }
    if (*p == '[') {
        uint32_t b = p_sp;
        p = p_ws(p + 1);
        if (*p == ']') {
            *out = (V)mk_arr(0);
            return p + 1;
        }
        for (;;) {
            V x;
            p = p_val(p, &x);
            p_stack[p_sp++] = x;
            p = p_ws(p);
            if (*p++ == ']') break;
        }
        uint32_t n = p_sp - b;
        Arr *a = mk_arr(n);
        memcpy(a->v, p_stack + b, n * 8);
        p_sp = b;
        *out = (V)a;
        return p;
    }
    if (*p == 't') {
        *out = V_TRUE;
        return p + 4;
    }
    if (*p == 'f') {
        *out = V_FALSE;
        return p + 5;
    }
    if (*p == 'n') {
        *out = V_NULL;
        return p + 4;
    }
    return p_num(p, out);
}
/* --- print --- */
typedef struct {
    char *b;
    size_t n, cap;
} Buf;
static inline char *b_room(Buf *b, size_t k) {
    if (b->n + k > b->cap) {
        b->cap = (b->n + k) * 2;
        b->b = realloc(b->b, b->cap);
    }
    return b->b + b->n;
}
static const char D2[] =
    "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950515253545556"
    "57585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
static inline char *i2a(char *p, int64_t v) {
    char t[24], *e = t + 24, *q = e;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v < 0) *p++ = '-';
    while (u >= 100) {
        unsigned r = (unsigned)(u % 100);
        u /= 100;
        q -= 2;
        memcpy(q, D2 + 2 * r, 2);
    }
    if (u >= 10) {
        q -= 2;
        memcpy(q, D2 + 2 * u, 2);
    } else
        *--q = (char)('0' + u);
    memcpy(p, q, (size_t)(e - q));
    return p + (e - q);
}
static inline void b_str(Buf *b, const char *s, size_t n) {
    char *w = b_room(b, n * 6 + 34);
    *w++ = '"';
    const char *end = s + n;
    while (s < end) {
        size_t left = (size_t)(end - s), k;
        if (left >= 16) {
#if defined(__SSE2__)
            __m128i x = _mm_loadu_si128((const __m128i *)s);
            _mm_storeu_si128((__m128i *)w, x);
            int m = _mm_movemask_epi8(_mm_or_si128(
                _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(31)), x)));
            if (!m) {
                s += 16;
                w += 16;
                continue;
            }
            k = (size_t)__builtin_ctz(m);
            s += k;
            w += k;
#endif
        } else {
            for (k = 0; k < left && s[k] != '"' && s[k] != '\\' && (unsigned char)s[k] >= 32; k++) w[k] = s[k];
            s += k;
            w += k;
            if (s == end) break;
        }
        unsigned char c = (unsigned char)*s++;
        if (c == '"' || c == '\\') {
            *w++ = '\\';
            *w++ = (char)c;
        } else if (c == '\n') {
            *w++ = '\\';
            *w++ = 'n';
        } else
            w += sprintf(w, "\\u%04x", c);
    }
    *w++ = '"';
    b->n = (size_t)(w - b->b);
}
static void b_dbl(Buf *b, double d) { /* exact short decimals quickly, else 17 digits */
    char *w = b_room(b, 40);
    double t = d * 1e6;
    if (fabs(t) < 1e15 && t == floor(t)) {
        int64_t u = (int64_t)t;
        if (u < 0) {
            *w++ = '-';
            u = -u;
        }
        w = i2a(w, u / 1000000);
        int64_t f = u % 1000000;
        if (f) {
            *w++ = '.';
            char z[6];
            for (int i = 5; i >= 0; i--) {
                z[i] = (char)('0' + f % 10);
                f /= 10;
            }
            int n = 6;
            while (z[n - 1] == '0') n--;
            memcpy(w, z, (size_t)n);
            w += n;
        }
    } else
        w += sprintf(w, "%.17g", d);
    b->n = (size_t)(w - b->b);
}
static void v_print(Buf *b, V v) {
    if (is_int(v)) {
        char *w = b_room(b, 24);
        b->n = (size_t)(i2a(w, as_int(v)) - b->b);
        return;
    }
    if (!is_ptr(v)) {
        const char *s = v == V_NULL ? "null" : v == V_TRUE ? "true" : "false";
        size_t n = strlen(s);
        memcpy(b_room(b, 8), s, n);
        b->n += n;
        return;
    }
    H *h = hp(v);
    if (h->type == T_STR)
        b_str(b, ((Str *)h)->s, h->len);
    else if (h->type == T_DBL)
        b_dbl(b, ((Dbl *)h)->d);
    else if (h->type == T_ARR) {
        *b_room(b, 1) = '[';
        b->n++;
        for (uint32_t i = 0; i < h->len; i++) {
            if (i) {
                *b_room(b, 1) = ',';
                b->n++;
            }
            v_print(b, ((Arr *)h)->v[i]);
        }
        *b_room(b, 1) = ']';
        b->n++;
    } else {
        Obj *o = (Obj *)h;
        *b_room(b, 1) = '{';
        b->n++;
        for (uint32_t i = 0; i < h->len; i++) {
            if (i) {
                *b_room(b, 1) = ',';
                b->n++;
            }
            uint32_t k = o->keys[i];
            b_str(b, k_str[k], k_len[k]);
            *b_room(b, 1) = ':';
            b->n++;
            v_print(b, o->v[i]);
        }
        *b_room(b, 1) = '}';
        b->n++;
    }
}

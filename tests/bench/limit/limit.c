// Hand-written limits: what an ideal compiler could make of the workloads, and what good generic values cost.
//
//     limit FOLDER WORKLOAD LEVEL RUNS     one JSON line: parsing, running and printing, medians over RUNS, and the
//     output
//
// Levels:
//     i       values in registers and structs, JSON only at entry and exit. Every state still does its work, kept apart
//     by
//             compiler barriers; loops poll a stop flag and check for overflow on every transition
//     i-raw   big-payload: subtrees that no state touches stay slices of the text; printing them is a copy
//     i-fold  counter-loop: without barriers, so that the C compiler folds the loop away
//     ii      v.h's generic, reference-counted, immutable values; compiled paths with inline caches
//
// In choice-ladder every comparison of level i reads its field again and parses timestamps each time; level ii fetches
// fields and parses the timestamp once per state. Both use v.h's values, so there level ii is the lower limit.
//
// The workloads are those of ../workloads.py; their outputs are compared with what is expected there by the caller.
#define _GNU_SOURCE
#include "v.h"
#include <time.h>
#define BAR __asm__ volatile("" ::: "memory")
static volatile int stop_flag;
static char *in;
static size_t in_n;
static Buf out;
static double now(clockid_t c) {
    struct timespec t;
    clock_gettime(c, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static double tp, tr, tw; /* parse, run, print */
/* Time in which others had the processor is taken out of long phases, as aslc bench does it. */
static double mark, cpu_mark;
#define START() (cpu_mark = now(CLOCK_THREAD_CPUTIME_ID), mark = now(CLOCK_MONOTONIC))
static double elapsed(void) {
    double wall = now(CLOCK_MONOTONIC) - mark, cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu_mark;
    return wall > 100e-6 && cpu < wall ? cpu : wall;
}
#define MARK(x) (x += elapsed(), START())
#define LIT(s)                                                                                                         \
    do {                                                                                                               \
        memcpy(b_room(&out, sizeof s), s, sizeof s - 1);                                                               \
        out.n += sizeof s - 1;                                                                                         \
    } while (0)
static void bint(int64_t v) {
    char *w = b_room(&out, 24);
    out.n = (size_t)(i2a(w, v) - out.b);
}
typedef struct {
    const char *s;
    size_t n;
} Sl;

/* ------------------------------------------------------------------ counter-loop */
static void counter_i(int fold) {
    START();
    int64_t n = 0, limit = 0;
    const char *p = in;
    while ((p = strchr(p, '"'))) {
        const char *k = p + 1;
        p = strchr(k, '"') + 1;
        while (*p == ':' || *p == ' ') p++;
        char *e;
        int64_t v = strtoll(p, &e, 10);
        if (*k == 'n')
            n = v;
        else
            limit = v;
        p = e;
    }
    MARK(tp);
    if (fold) {
        while (n < limit) n++;
        __asm__ volatile("" : "+r"(n));
    } else
        for (;;) {
            if (__builtin_expect(stop_flag, 0)) break; /* Check */
            __asm__ volatile("" : "+r"(n), "+r"(limit));
            if (!(n < limit)) break;
            if (__builtin_expect(stop_flag, 0)) break; /* Add */
            if (__builtin_add_overflow(n, (int64_t)1, &n)) break;
            __asm__ volatile("" : "+r"(n), "+r"(limit));
        }
    MARK(tr);
    LIT("{\"n\":");
    bint(n);
    LIT(",\"limit\":");
    bint(limit);
    LIT("}");
    MARK(tw);
}
static void counter_ii(void) {
    START();
    static uint32_t keys[2];
    keys[0] = K("n");
    keys[1] = K("limit");
    V v;
    p_val(in, &v);
    MARK(tp);
    uint32_t c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    for (;;) {
        if (__builtin_expect(stop_flag, 0)) break;
        V a = o_get(v, keys[0], &c0), b = o_get(v, keys[1], &c1);
        if (!(is_int(a) && is_int(b) && (int64_t)a < (int64_t)b)) break;
        if (__builtin_expect(stop_flag, 0)) break;
        V x = o_get(v, keys[0], &c2);
        if (!is_int(x)) break;
        Obj *o = mk_obj_t(keys, 2);
        o->v[0] = mk_int(as_int(x) + 1);
        o->v[1] = v_ref(o_get(v, keys[1], &c3));
        v_unref(v);
        v = (V)o;
        BAR;
    }
    MARK(tr);
    v_print(&out, v);
    MARK(tw);
    v_unref(v);
}

/* ------------------------------------------------------------------ pass-chain */
static V path(V v, const char *a, const char *b) {
    uint32_t c = 0;
    v = o_get(v, K(a), &c);
    c = 0;
    return b ? o_get(v, K(b), &c) : v;
}
static Sl sl(V v) {
    Str *s = (Str *)v;
    return (Sl){s->s, s->h.len};
}
static void chain_i(void) {
    START();
    V root;
    p_val(in, &root);
    V order = path(root, "order", 0), cust = path(order, "customer", 0), items = path(order, "items", 0),
      adr = path(cust, "address", 0);
    Sl id = sl(path(order, "id", 0)), name = sl(path(cust, "name", 0)), csv = sl(path(cust, "csv", 0)),
       city = sl(path(adr, "city", 0));
    int64_t qty = as_int(path(order, "qty", 0)), bonus = as_int(path(order, "bonus", 0));
    MARK(tp);
    char label[256], js[256];
    size_t label_n = 0, js_n = 0;
    Sl tag[16];
    int ntag = 0, has = 0;
    int64_t total = 0, count = 0, range[5] = {0}, step = 0;
    V first = 0;
    struct {
        Sl id, label;
        int64_t total, count;
        V first;
    } both = {0};
    for (int k = 0; k < 50; k += 5) {
        {
            char *w = label;
            memcpy(w, "order-", 6);
            w += 6;
            memcpy(w, id.s, id.n);
            w += id.n;
            *w++ = '-';
            memcpy(w, name.s, name.n);
            w += name.n;
            *w++ = '-';
            w = i2a(w, qty);
            label_n = (size_t)(w - label);
        }
        BAR;
        {
            ntag = 0;
            const char *s = csv.s, *e = s + csv.n;
            for (const char *q = s;; q++)
                if (q == e || *q == ',') {
                    tag[ntag++] = (Sl){s, (size_t)(q - s)};
                    s = q + 1;
                    if (q == e) break;
                }
        }
        BAR;
        {
            total = qty + bonus;
            count = ((Arr *)items)->h.len;
            first = ((Arr *)items)->v[0];
        }
        BAR;
        {
            both.id = id;
            both.label = (Sl){label, label_n};
            both.total = total;
            both.count = count;
            both.first = first;
            char *w = js;
            *w++ = '[';
            for (int i = 0; i < ntag; i++) {
                if (i) *w++ = ',';
                *w++ = '"';
                memcpy(w, tag[i].s, tag[i].n);
                w += tag[i].n;
                *w++ = '"';
            }
            *w++ = ']';
            js_n = (size_t)(w - js);
        }
        BAR;
        {
            for (int i = 0; i < 5; i++) range[i] = 1 + 2 * i;
            has = 0;
            for (int i = 0; i < ntag; i++) has |= tag[i].n == 2 && !memcmp(tag[i].s, "x5", 2);
            step = k + 4;
        }
        BAR;
    }
    MARK(tr);
    LIT("{\"order\":");
    v_print(&out, order);
    LIT(",\"meta\":{\"id\":");
    b_str(&out, id.s, id.n);
    LIT(",\"label\":");
    b_str(&out, label, label_n);
    LIT("},\"cust\":{\"name\":");
    b_str(&out, name.s, name.n);
    LIT(",\"tags\":[");
    for (int i = 0; i < ntag; i++) {
        if (i) LIT(",");
        b_str(&out, tag[i].s, tag[i].n);
    }
    LIT("],\"city\":");
    b_str(&out, city.s, city.n);
    LIT("},\"calc\":{\"total\":");
    bint(total);
    LIT(",\"count\":");
    bint(count);
    LIT(",\"first\":");
    v_print(&out, first);
    LIT("},\"merged\":{\"both\":{\"id\":");
    b_str(&out, both.id.s, both.id.n);
    LIT(",\"label\":");
    b_str(&out, both.label.s, both.label.n);
    LIT(",\"total\":");
    bint(both.total);
    LIT(",\"count\":");
    bint(both.count);
    LIT(",\"first\":");
    v_print(&out, both.first);
    LIT("},\"json\":");
    b_str(&out, js, js_n);
    LIT("},\"range\":[");
    for (int i = 0; i < 5; i++) {
        if (i) LIT(",");
        bint(range[i]);
    }
    LIT("],\"has\":");
    if (has)
        LIT("true");
    else
        LIT("false");
    LIT(",\"step\":");
    bint(step);
    LIT("}");
    MARK(tw);
    v_unref(root);
}
static uint32_t kt[64];
static int kt_n;
static const uint32_t *tmpl(int n, const char *const *names) {
    uint32_t *t = kt + kt_n;
    for (int i = 0; i < n; i++) t[i] = K(names[i]);
    kt_n += n;
    return t;
}
#define T(...)                                                                                                         \
    ({                                                                                                                 \
        static const uint32_t *t_;                                                                                     \
        if (!t_) {                                                                                                     \
            const char *const n_[] = {__VA_ARGS__};                                                                    \
            t_ = tmpl(sizeof n_ / sizeof *n_, n_);                                                                     \
        }                                                                                                              \
        t_;                                                                                                            \
    })
#define KEY(s)                                                                                                         \
    ({                                                                                                                 \
        static uint32_t k_;                                                                                            \
        if (!k_) k_ = K(s);                                                                                            \
        k_;                                                                                                            \
    })
#define G(v, s)                                                                                                        \
    ({                                                                                                                 \
        static uint32_t c_;                                                                                            \
        o_get(v, KEY(s), &c_);                                                                                         \
    })
static V fmt3(const char *pre, V a, V b, V c) { /* States.Format('pre{}-{}-{}') with strings or ints */
    char tmp[512], *w = tmp;
    size_t n = strlen(pre);
    memcpy(w, pre, n);
    w += n;
    V x[3] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        if (i) *w++ = '-';
        if (is_int(x[i]))
            w = i2a(w, as_int(x[i]));
        else {
            Str *s = (Str *)x[i];
            memcpy(w, s->s, s->h.len);
            w += s->h.len;
        }
    }
    return mk_str(tmp, (size_t)(w - tmp));
}
static int v_eq_str(V v, const char *s, size_t n) {
    return is_ptr(v) && hp(v)->type == T_STR && hp(v)->len == n && !memcmp(((Str *)v)->s, s, n);
}
static void chain_ii(void) {
    START();
    V cur;
    p_val(in, &cur);
    MARK(tp);
    for (int k = 0; k < 50; k += 5) {
        if (__builtin_expect(stop_flag, 0)) break;
        {
            V od = G(cur, "order");
            Obj *o = mk_obj_t(T("id", "label"), 2);
            o->v[0] = v_ref(G(od, "id"));
            o->v[1] = fmt3("order-", G(od, "id"), G(G(od, "customer"), "name"), G(od, "qty"));
            V n = o_with(cur, KEY("meta"), (V)o);
            v_unref(cur);
            cur = n;
        }
        BAR;
        {
            V cu = G(G(cur, "order"), "customer");
            Obj *o = mk_obj_t(T("name", "tags", "city"), 3);
            o->v[0] = v_ref(G(cu, "name"));
            Str *csv = (Str *)G(cu, "csv");
            V parts[64];
            uint32_t np = 0;
            const char *s = csv->s, *e = s + csv->h.len;
            for (const char *q = s;; q++)
                if (q == e || *q == ',') {
                    parts[np++] = mk_str(s, (size_t)(q - s));
                    s = q + 1;
                    if (q == e) break;
                }
            Arr *a = mk_arr(np);
            memcpy(a->v, parts, np * 8);
            o->v[1] = (V)a;
            o->v[2] = v_ref(G(G(cu, "address"), "city"));
            V n = o_with(cur, KEY("cust"), (V)o);
            v_unref(cur);
            cur = n;
        }
        BAR;
        {
            V od = G(cur, "order");
            Arr *it = (Arr *)G(od, "items");
            Obj *o = mk_obj_t(T("total", "count", "first"), 3);
            o->v[0] = mk_int(as_int(G(od, "qty")) + as_int(G(od, "bonus")));
            o->v[1] = mk_int(it->h.len);
            o->v[2] = v_ref(it->v[0]);
            V n = o_with(cur, KEY("calc"), (V)o);
            v_unref(cur);
            cur = n;
        }
        BAR;
        {
            Obj *m = (Obj *)G(cur, "meta"), *c = (Obj *)G(cur, "calc");
            Obj *b = mk_obj_own(m->h.len + c->h.len);
            uint32_t *ks = (uint32_t *)b->keys, n = 0;
            for (uint32_t i = 0; i < m->h.len; i++) {
                ks[n] = m->keys[i];
                b->v[n++] = v_ref(m->v[i]);
            }
            for (uint32_t i = 0; i < c->h.len; i++) {
                uint32_t j;
                for (j = 0; j < m->h.len && ks[j] != c->keys[i]; j++);
                if (j < m->h.len) {
                    v_unref(b->v[j]);
                    b->v[j] = v_ref(c->v[i]);
                } else {
                    ks[n] = c->keys[i];
                    b->v[n++] = v_ref(c->v[i]);
                }
            }
            b->h.len = n;
            static Buf t;
            t.n = 0;
            v_print(&t, G(G(cur, "cust"), "tags"));
            Obj *o = mk_obj_t(T("both", "json"), 2);
            o->v[0] = (V)b;
            o->v[1] = mk_str(t.b, t.n);
            V nn = o_with(cur, KEY("merged"), (V)o);
            v_unref(cur);
            cur = nn;
        }
        BAR;
        {
            Obj *o = mk_obj_t(T("order", "meta", "cust", "calc", "merged", "range", "has", "step"), 8);
            o->v[0] = v_ref(G(cur, "order"));
            o->v[1] = v_ref(G(cur, "meta"));
            o->v[2] = v_ref(G(cur, "cust"));
            o->v[3] = v_ref(G(cur, "calc"));
            o->v[4] = v_ref(G(cur, "merged"));
            Arr *a = mk_arr(5);
            for (int i = 0; i < 5; i++) a->v[i] = mk_int(1 + 2 * i);
            o->v[5] = (V)a;
            Arr *tg = (Arr *)G(G(cur, "cust"), "tags");
            int has = 0;
            for (uint32_t i = 0; i < tg->h.len; i++) has |= v_eq_str(tg->v[i], "x5", 2);
            o->v[6] = has ? V_TRUE : V_FALSE;
            o->v[7] = mk_int(k + 4);
            v_unref(cur);
            cur = (V)o;
        }
        BAR;
    }
    MARK(tr);
    v_print(&out, cur);
    MARK(tw);
    v_unref(cur);
}

/* ------------------------------------------------------------------ map-10k */
static void map_i(void) {
    START();
    typedef struct {
        int64_t i;
        Sl v;
    } It;
    typedef struct {
        char id[24];
        int64_t next;
        Sl v;
        uint8_t n;
    } Ot;
    static It *it;
    static Ot *ot;
    static size_t cap;
    size_t n = 0;
    const char *p = strchr(in, '[') + 1;
    for (p = p_ws(p); *p == '{';) {
        if (n == cap) {
            cap = cap ? cap * 2 : 1024;
            it = realloc(it, cap * sizeof *it);
            ot = realloc(ot, cap * sizeof *ot);
        }
        p = p_ws(p + 1);
        while (*p == '"') {
            char k = p[1];
            p = strchr(p + 1, '"') + 1;
            p = p_ws(p) + 1;
            p = p_ws(p);
            if (k == 'i') {
                int64_t v = 0;
                while ((unsigned)(*p - '0') < 10) v = v * 10 + *p++ - '0';
                it[n].i = v;
            } else {
                const char *e = p_strend(p + 1);
                it[n].v = (Sl){p + 1, (size_t)(e - p - 1)};
                p = e + 1;
            }
            p = p_ws(p);
            if (*p == ',') p = p_ws(p + 1);
        }
        n++;
        p = p_ws(p + 1);
        if (*p == ',') p = p_ws(p + 1);
    }
    MARK(tp);
    for (size_t j = 0; j < n; j++) {
        if (__builtin_expect(stop_flag, 0)) break;
        memcpy(ot[j].id, "item-", 5);
        ot[j].n = (uint8_t)(i2a(ot[j].id + 5, it[j].i) - ot[j].id);
        ot[j].next = it[j].i + 1;
        ot[j].v = it[j].v;
        BAR;
    }
    MARK(tr);
    LIT("[");
    for (size_t j = 0; j < n; j++) {
        if (j) LIT(",");
        LIT("{\"id\":");
        b_str(&out, ot[j].id, ot[j].n);
        LIT(",\"next\":");
        bint(ot[j].next);
        LIT(",\"v\":");
        b_str(&out, ot[j].v.s, ot[j].v.n);
        LIT("}");
    }
    LIT("]");
    MARK(tw);
}
static void map_ii(void) {
    START();
    V root;
    p_val(in, &root);
    MARK(tp);
    Arr *items = (Arr *)G(root, "items");
    uint32_t n = items->h.len;
    Arr *r = mk_arr(n);
    for (uint32_t j = 0; j < n; j++) {
        if (__builtin_expect(stop_flag, 0)) break;
        V x = v_ref(items->v[j]);
        Obj *o = mk_obj_t(T("id", "next", "v"), 3);
        V i = G(x, "i");
        char t[64];
        memcpy(t, "item-", 5);
        char *w = t + 5;
        if (is_int(i)) w = i2a(w, as_int(i));
        o->v[0] = mk_str(t, (size_t)(w - t));
        o->v[1] = mk_int(as_int(i) + 1);
        o->v[2] = v_ref(G(x, "v"));
        v_unref(x);
        r->v[j] = (V)o;
        BAR;
    }
    MARK(tr);
    v_print(&out, (V)r);
    MARK(tw);
    v_unref((V)r);
    v_unref(root);
}

/* ------------------------------------------------------------------ big-payload */
static void big_i(void) { /* parsed once; the states only move pointers */
    START();
    V root;
    p_val(in, &root);
    V doc = path(root, "doc", 0);
    Arr *sec = (Arr *)path(doc, "sections", 0);
    MARK(tp);
    V wsec = V_NONE, wrows = V_NONE;
    int64_t n = 0, step = 0;
    for (int k = 0; k < 20; k += 4) {
        wsec = sec->v[k];
        BAR;
        wrows = path(sec->v[k + 1], "rows", 0);
        n = ((Arr *)wrows)->h.len;
        BAR; /* {all: $} then $.all: nothing */
        BAR;
        step = k + 3;
        BAR;
    }
    MARK(tr);
    LIT("{\"doc\":");
    v_print(&out, doc);
    LIT(",\"work\":{\"section\":");
    v_print(&out, wsec);
    LIT(",\"rows\":{\"rows\":");
    v_print(&out, wrows);
    LIT(",\"n\":");
    bint(n);
    LIT("}},\"step\":");
    bint(step);
    LIT("}");
    MARK(tw);
    v_unref(root);
}
static const char *skip(const char *p) { /* over one value, validating only string ends and nesting */
    p = p_ws(p);
    if (*p == '"') {
        for (p++;; p += 2) {
            p = p_strend(p);
            if (*p == '"') return p + 1;
        }
    }
    if (*p == '{' || *p == '[') {
        int d = 0;
        for (;; p++) {
            if (*p == '"') {
                p = skip(p) - 1;
                continue;
            }
            if (*p == '{' || *p == '[')
                d++;
            else if ((*p == '}' || *p == ']') && --d == 0)
                return p + 1;
        }
    }
    while (*p != ',' && *p != '}' && *p != ']') p++;
    return p;
}
static Sl field(Sl o, const char *k) {
    size_t kn = strlen(k);
    const char *p = p_ws(o.s) + 1;
    for (;;) {
        p = p_ws(p);
        const char *ks = p + 1;
        p = skip(p);
        int hit = (size_t)(p - 1 - ks) == kn && !memcmp(ks, k, kn);
        p = p_ws(p_ws(p) + 1);
        const char *e = skip(p);
        if (hit) return (Sl){p, (size_t)(e - p)};
        p = p_ws(e);
        if (*p++ != ',') return (Sl){0, 0};
    }
}
static void big_raw(void) {
    START();
    Sl root = {in, in_n}, doc = field(root, "doc"), secs = field(doc, "sections");
    static Sl sec[64];
    int ns = 0;
    for (const char *p = p_ws(secs.s) + 1;;) {
        p = p_ws(p);
        const char *e = skip(p);
        sec[ns++] = (Sl){p, (size_t)(e - p)};
        p = p_ws(e);
        if (*p++ != ',') break;
    }
    MARK(tp);
    Sl wsec = {0}, wrows = {0};
    int64_t n = 0, step = 0;
    for (int k = 0; k < 20; k += 4) {
        wsec = sec[k];
        BAR;
        wrows = field(sec[k + 1], "rows");
        n = 0;
        for (const char *p = p_ws(wrows.s) + 1;; n++) {
            p = skip(p);
            p = p_ws(p);
            if (*p++ != ',') {
                n++;
                break;
            }
        }
        BAR;
        step = k + 3;
        BAR;
    }
    MARK(tr);
#define RAW(x)                                                                                                         \
    do {                                                                                                               \
        memcpy(b_room(&out, (x).n), (x).s, (x).n);                                                                     \
        out.n += (x).n;                                                                                                \
    } while (0)
    LIT("{\"doc\":");
    RAW(doc);
    LIT(",\"work\":{\"section\":");
    RAW(wsec);
    LIT(",\"rows\":{\"rows\":");
    RAW(wrows);
    LIT(",\"n\":");
    bint(n);
    LIT("}},\"step\":");
    bint(step);
    LIT("}");
    MARK(tw);
}
static void big_ii(void) {
    START();
    V cur;
    p_val(in, &cur);
    MARK(tp);
    for (int k = 0; k < 20; k += 4) {
        if (__builtin_expect(stop_flag, 0)) break;
#define SETWORK(key, val)                                                                                              \
    do {                                                                                                               \
        V w_ = G(cur, "work");                                                                                         \
        V nw_;                                                                                                         \
        if (w_ == V_NONE) {                                                                                            \
            Obj *e_ = mk_obj_own(1);                                                                                   \
            ((uint32_t *)e_->keys)[0] = KEY(key);                                                                      \
            e_->v[0] = (val);                                                                                          \
            nw_ = (V)e_;                                                                                               \
        } else                                                                                                         \
            nw_ = o_with(w_, KEY(key), (val));                                                                         \
        V n_ = o_with(cur, KEY("work"), nw_);                                                                          \
        v_unref(cur);                                                                                                  \
        cur = n_;                                                                                                      \
    } while (0)
        SETWORK("section", v_ref(((Arr *)G(G(cur, "doc"), "sections"))->v[k]));
        BAR;
        {
            V rows = G(((Arr *)G(G(cur, "doc"), "sections"))->v[k + 1], "rows");
            Obj *o = mk_obj_t(T("rows", "n"), 2);
            o->v[0] = v_ref(rows);
            o->v[1] = mk_int(hp(rows)->len);
            SETWORK("rows", (V)o);
        }
        BAR;
        {
            Obj *o = mk_obj_t(T("all", "step"), 2);
            o->v[0] = cur;
            o->v[1] = mk_int(k + 2);
            V n = v_ref(G((V)o, "all"));
            v_unref((V)o);
            cur = n;
        }
        BAR;
        {
            Obj *o = mk_obj_t(T("doc", "work", "step"), 3);
            o->v[0] = v_ref(G(cur, "doc"));
            o->v[1] = v_ref(G(cur, "work"));
            o->v[2] = mk_int(k + 3);
            v_unref(cur);
            cur = (V)o;
        }
        BAR;
    }
    MARK(tr);
    v_print(&out, cur);
    MARK(tw);
    v_unref(cur);
}
/* ------------------------------------------------------------------ choice-ladder: the 40 rules of gen.py */
static int64_t rfc3339(const char *s, size_t n) { /* to seconds; INT64_MIN when malformed */
#define D(i) (s[i] - '0')
    int bad = 0;
    for (int i = 0; i < 19 && i < (int)n; i++)
        bad |= i != 4 && i != 7 && i != 10 && i != 13 && i != 16 && (unsigned)(s[i] - '0') > 9;
    if (n < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':') return INT64_MIN;
    int64_t y = D(0) * 1000 + D(1) * 100 + D(2) * 10 + D(3), m = D(5) * 10 + D(6), d = D(8) * 10 + D(9),
            h = D(11) * 10 + D(12), mi = D(14) * 10 + D(15), se = D(17) * 10 + D(18);
    if (bad || s[n - 1] != 'Z') return INT64_MIN;
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1,
            doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (era * 146097 + doe - 719468) * 86400 + h * 3600 + mi * 60 + se;
}
static int glob(const char *p, const char *pe, const char *s, const char *se) {
    const char *bp = 0, *bs = 0;
    while (s < se) {
        if (p < pe && *p == '*') {
            bp = ++p;
            bs = s;
        } else if (p < pe && *p == *s) {
            p++;
            s++;
        } else if (bp) {
            p = bp;
            s = ++bs;
        } else
            return 0;
    }
    while (p < pe && *p == '*') p++;
    return p == pe;
}
typedef struct {
    int64_t lo, hi, a, b;
    char pat[24], kind[8];
    uint32_t pn, kn;
} Rule;
static Rule rule[40];
static int str_cmp(V v, const char *s, uint32_t n) {
    Str *x = (Str *)v;
    uint32_t l = x->h.len < n ? x->h.len : n;
    int c = memcmp(x->s, s, l);
    return c ? c : (int)x->h.len - (int)n;
}
static int is_str(V v) { return is_ptr(v) && hp(v)->type == T_STR; }
static int match(int r, V it, int cse, V score, V kind, V name, V flag, int64_t ts) {
    Rule *R = rule + r;
#define F(var, k)     (cse ? var : G(it, k))
#define NUM(v, op, c) (is_int(v) && as_int(v) op(c))
    switch (r % 4) {
    case 0: {
        V a = F(score, "score");
        if (!NUM(a, >=, R->lo)) return 0;
        V b = F(score, "score");
        if (!NUM(b, <, R->hi)) return 0;
        V k = F(kind, "kind");
        return v_eq_str(k, R->kind, R->kn);
    }
    case 1: {
        V n = F(name, "name");
        if (!is_str(n) || !glob(R->pat, R->pat + R->pn, ((Str *)n)->s, ((Str *)n)->s + hp(n)->len)) return 0;
        V f = F(flag, "flag");
        if (f == V_TRUE) return 0;
        V a = F(score, "score");
        return NUM(a, <, R->hi);
    }
    case 2: {
        int64_t t = ts;
        if (!cse) {
            V x = G(it, "ts");
            t = is_str(x) ? rfc3339(((Str *)x)->s, hp(x)->len) : INT64_MIN;
        }
        if (t < R->a) return 0;
        if (!cse) {
            V x = G(it, "ts");
            t = rfc3339(((Str *)x)->s, hp(x)->len);
        }
        return t < R->b;
    }
    default: {
        V a = F(score, "score");
        if (NUM(a, ==, R->lo)) return 1;
        V k = F(kind, "kind");
        if (is_str(k) && str_cmp(k, "delt", 4) > 0 && G(it, "missing") != V_NONE) return 1;
        V n = F(name, "name");
        if (!is_str(n) || !glob(R->pat, R->pat + R->pn, ((Str *)n)->s, ((Str *)n)->s + hp(n)->len)) return 0;
        a = F(score, "score");
        return NUM(a, >, R->hi);
    }
    }
}
static void ladder(int cse) {
    static const char *kinds[] = {"alpha", "beta", "gamma", "delta", "eps"};
    int64_t base = rfc3339("2024-01-01T00:00:00Z", 20);
    for (int r = 0; r < 40; r++) {
        Rule *R = rule + r;
        R->lo = r * 25;
        R->hi = r * 25 + 25;
        strcpy(R->kind, kinds[r / 4 % 5]);
        R->kn = (uint32_t)strlen(R->kind);
        R->a = base + r * 7 * 86400;
        R->b = R->a + 5 * 86400;
        if (r % 4 == 1) R->pn = (uint32_t)sprintf(R->pat, "file-*%d.csv", 2 * (r / 4) % 10);
        if (r % 4 == 3) {
            R->lo = 100 * (r / 4) + 3;
            R->hi = 1000 - (r * 25 + 25);
            R->pn = (uint32_t)sprintf(R->pat, "file-0%d*.log", r / 4 % 4);
        }
    }
    START();
    V root;
    p_val(in, &root);
    MARK(tp);
    Arr *items = (Arr *)G(root, "items");
    uint32_t n = items->h.len;
    Arr *res = mk_arr(n);
    for (uint32_t j = 0; j < n; j++) {
        V it = items->v[j], sc = 0, ki = 0, na = 0, fl = 0;
        int64_t ts = 0;
        int r;
        if (cse) {
            sc = G(it, "score");
            ki = G(it, "kind");
            na = G(it, "name");
            fl = G(it, "flag");
            V x = G(it, "ts");
            ts = is_str(x) ? rfc3339(((Str *)x)->s, hp(x)->len) : INT64_MIN;
        }
        for (r = 0; r < 40 && !match(r, it, cse, sc, ki, na, fl, ts); r++);
        if (r == 40) r = -1;
        Obj *o = mk_obj_t(T("id", "rule"), 2);
        o->v[0] = v_ref(G(it, "id"));
        o->v[1] = mk_int(r);
        res->v[j] = (V)o;
        BAR;
    }
    MARK(tr);
    v_print(&out, (V)res);
    MARK(tw);
    v_unref((V)res);
    v_unref(root);
}
/* ------------------------------------------------------------------ parallel-8: branches one after the other on the
 * same thread */
static void par_ii(void) {
    START();
    V in_v;
    p_val(in, &in_v);
    MARK(tp);
    Arr *res = mk_arr(8);
    for (int b = 0; b < 8; b++) {
        V cur = v_ref(in_v);
        for (int k = 0; k < 20; k++) {
            if (__builtin_expect(stop_flag, 0)) break;
            Obj *o = mk_obj_t(T("acc", "b", "who"), 3);
            V a = G(cur, "acc");
            o->v[0] = is_int(a) ? mk_int(as_int(a) + b + k) : V_NULL;
            o->v[1] = mk_int(b);
            o->v[2] = v_ref(G(cur, "who"));
            v_unref(cur);
            cur = (V)o;
            BAR;
        }
        res->v[b] = cur;
    }
    Arr *s = mk_arr(8);
    for (int b = 0; b < 8; b++) s->v[b] = v_ref(G(res->v[b], "acc"));
    Obj *o = mk_obj_t(T("sums", "who"), 2);
    o->v[0] = (V)s;
    o->v[1] = v_ref(G(res->v[7], "who"));
    v_unref((V)res);
    v_unref(in_v);
    MARK(tr);
    v_print(&out, (V)o);
    MARK(tw);
    v_unref((V)o);
}
/* Two registers per branch and a slice: an output of {"acc", "b", "who"} is only ever read by the next state. */
static void par_i(void) {
    START();
    int64_t acc0 = 0, sums[8];
    Sl who = {0}, who7 = {0};
    const char *p = in;
    while ((p = strchr(p, '"'))) {
        char k = p[1];
        p = p_ws(p_ws(strchr(p + 1, '"') + 1) + 1);
        if (k == 'a') {
            char *e;
            acc0 = strtoll(p, &e, 10);
            p = e;
        } else {
            const char *e = p_strend(p + 1);
            who = (Sl){p + 1, (size_t)(e - p - 1)};
            p = e + 1;
        }
    }
    MARK(tp);
    for (int b = 0; b < 8; b++) {
        int64_t acc = acc0;
        Sl w = who;
        for (int k = 0; k < 20; k++) {
            if (__builtin_expect(stop_flag, 0)) break;
            if (__builtin_add_overflow(acc, (int64_t)(b + k), &acc)) break;
            __asm__ volatile("" : "+r"(acc), "+r"(w.s), "+r"(w.n));
        }
        sums[b] = acc;
        who7 = w;
        BAR;
    }
    MARK(tr);
    LIT("{\"sums\":[");
    for (int b = 0; b < 8; b++) {
        if (b) LIT(",");
        bint(sums[b]);
    }
    LIT("],\"who\":");
    b_str(&out, who7.s, who7.n);
    LIT("}");
    MARK(tw);
}
static void hello_i(void) {
    START();
    MARK(tp);
    MARK(tr);
    LIT("{\"hello\":\"world\"}");
    MARK(tw);
}
static void counter_barriers(void) { counter_i(0); }
static void counter_folded(void) { counter_i(1); }
static void ladder_i(void) { ladder(0); }
static void ladder_ii(void) { ladder(1); }
static void hello_ii(void) {
    START();
    V v;
    p_val(in, &v);
    MARK(tp);
    Obj *o = mk_obj_t(T("hello"), 1);
    o->v[0] = mk_str("world", 5);
    v_unref(v);
    MARK(tr);
    v_print(&out, (V)o);
    MARK(tw);
    v_unref((V)o);
}

static int cmp(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *times, size_t n) {
    qsort(times, n, sizeof *times, cmp);
    return times[n / 2];
}

static const struct {
    const char *workload, *level;
    void (*run)(void);
} programs[] = {
    {"counter-loop", "i", counter_barriers},
    {"counter-loop", "i-fold", counter_folded},
    {"counter-loop", "ii", counter_ii},
    {"pass-chain", "i", chain_i},
    {"pass-chain", "ii", chain_ii},
    {"map-10k", "i", map_i},
    {"map-10k", "ii", map_ii},
    {"map-25k", "ii", map_ii},
    {"map-50k", "ii", map_ii},
    {"map-100k", "ii", map_ii},
    {"big-payload", "i", big_i},
    {"big-payload", "i-raw", big_raw},
    {"big-payload", "ii", big_ii},
    {"choice-ladder", "i", ladder_i},
    {"choice-ladder", "ii", ladder_ii},
    {"parallel-8", "i", par_i},
    {"parallel-8", "ii", par_ii},
    {"hello", "i", hello_i},
    {"hello", "ii", hello_ii},
};

static int read_input(const char *folder, const char *workload) {
    char name[512];
    snprintf(name, sizeof name, "%s/%s.input.json", folder, workload);
    FILE *f = fopen(name, "rb");
    if (!f) {
        perror(name);
        return -1;
    }
    fseek(f, 0, SEEK_END);
    in_n = (size_t)ftell(f);
    rewind(f);
    in = calloc(1, in_n + 64); /* the string scan reads ahead */
    int rc = fread(in, 1, in_n, f) == in_n ? 0 : -1;
    fclose(f);
    return rc;
}

int main(int argc, char **argv) {
    size_t runs = argc == 5 ? (size_t)atol(argv[4]) : 0, i = 0, count = sizeof programs / sizeof *programs;
    while (runs && i < count && (strcmp(programs[i].workload, argv[2]) != 0 || strcmp(programs[i].level, argv[3]) != 0))
        i++;
    if (!runs || i == count) {
        fprintf(stderr, "Usage: limit FOLDER WORKLOAD LEVEL RUNS\n");
        return 2;
    }
    if (read_input(argv[1], argv[2]) < 0) return 1;
    double *parse = malloc(4 * runs * sizeof(double)), *run = parse + runs, *print = run + runs, *total = print + runs;
    for (size_t r = 0; r < runs; r++) {
        out.n = 0;
        tp = tr = tw = 0;
        programs[i].run();
        double release = elapsed(); /* what a program does after its last mark */
        total[r] = tp + tr + tw + release;
        parse[r] = tp, run[r] = tr, print[r] = tw;
    }
    printf("{\"parse_s\":%.9f,\"run_s\":%.9f,\"print_s\":%.9f,\"total_s\":%.9f,\"output\":", median(parse, runs),
           median(run, runs), median(print, runs), median(total, runs));
    fwrite(out.b, 1, out.n, stdout);
    puts("}");
    return 0;
}

// $string, & and $clone (jsonata-language 16).
//
// Text is written straight into the caller's buffer, a window of 16 bytes at a time. Nothing recurses: the way down to
// where printing is lies on a stack of its own. Two things differ from plain JSON text: numbers (number_text.c), and
// surrogates, which stand as \udxxx.
#include "../json_private.h"
#include "lib.h"

#include <math.h>

// ---------------------------------------------------------------- strings

// A bit for each of 16 bytes that cannot stand in a JSON string as it is, or may begin a surrogate.
static inline uint32_t special_bytes(const char *p) { return window_special(p, false) | window_equal(p, 0xed); }

// padded: the text may be read in steps of 16 bytes from its start.
static void print_string(asl_buffer *out, const char *data, size_t size, bool padded) {
    // Room for all of it without escapes, and for writing 16 bytes and an escape at any time.
    char *p = room_for(out, size + 2 + 16 + 6);
    *p++ = '"';
    while (size) {
        char tail[16] = {0};
        const char *from = data;
        if (size < 16 && !padded) {
            memcpy(tail, data, size);
            from = tail;
        }
        uint32_t special = special_bytes(from);
        memcpy(p, from, 16);
        if (size < 16) special &= ((uint32_t)1 << size) - 1;
        size_t plain = special ? (size_t)__builtin_ctz(special) : size < 16 ? size : 16;
        p += plain, data += plain, size -= plain;
        if (!special) continue;
        padded = false; // out of step from here on
        if ((uint8_t)*data == 0xed && size >= 3) {
            if ((uint8_t)data[1] >= 0xa0) {
                const char *q = data;
                p = asl__print_escape(p, jx_next_code(&q));
            } else {
                memcpy(p, data, 3);
                p += 3;
            }
            data += 3, size -= 3;
        } else {
            p = asl__print_escape(p, (uint8_t)*data++);
            size--;
        }
        out->size = (size_t)(p - out->data);
        p = room_for(out, size + 1 + 16 + 6);
    }
    *p++ = '"';
    out->size = (size_t)(p - out->data);
}

// A string itself, at the top. Two halves of a surrogate pair become one character.
static void append_string(asl_buffer *out, asl_str s) {
    if (jx_begins_low(s.data, s.size) && jx_ends_high(out->data, out->size)) {
        uint32_t code = jx_join_halves(out->data + out->size - 3, s.data);
        out->size -= 3;
        out->size += jx_put_code(code, room_for(out, 4));
        s.data += 3, s.size -= 3;
    }
    if (s.size) print_text(out, s.data, s.size);
}

// ---------------------------------------------------------------- numbers

// Whether a number's text is what it would be printed as: at most 15 digits, a fraction that does not end in 0, no
// exponent, and not so small that it would get one.
static bool is_printed_form(asl_str t) {
    const char *p = t.data, *end = p + t.size;
    if (t.size > 17 || end[-1] == '0') return false;
    p += *p == '-';
    const char *dot = memchr(p, '.', (size_t)(end - p));
    if (!dot || end - p > 16) return false;
    for (const char *q = p; q < end; q++) {
        if ((*q | 0x20) == 'e') return false;
    }
    return *p != '0' || (end - dot > 6 ? memcmp(dot + 1, "000000", 6) != 0 : true);
}

static inline void print_number(asl_buffer *out, const asl_value *v) {
    char *p = room_for(out, 40);
    if (v->tag == ASL_INT && jx_is_exact(v->i)) {
        out->size += asl__int_print(v->i, p);
        return;
    }
    if (v->tag == ASL_NUMBER_TEXT) {
        asl_str text = asl_text_of(v);
        if (is_printed_form(text)) {
            memcpy(p, text.data, text.size);
            out->size += text.size;
            return;
        }
    }
    out->size += jx_number_print15(jx_number(v), p);
}

// ---------------------------------------------------------------- structures

struct place {
    const asl_value *v; /* an array or object that is not empty */
    uint32_t next;      /* item or member to go on with */
    uint32_t *order;    /* of an object's members, or NULL */
};

struct walk {
    struct place local[24], *stack;
    size_t depth, room;
};

static void walk_down(struct walk *w, const asl_value *v) {
    if (w->depth == w->room) {
        struct place *more = asl_alloc(w->room * 2 * sizeof *more);
        memcpy(more, w->stack, w->depth * sizeof *more);
        if (w->stack != w->local) asl_free(w->stack);
        w->stack = more;
        w->room *= 2;
    }
    w->stack[w->depth++] = (struct place){v, 0, v->tag == ASL_OBJECT ? jx_key_order(v) : NULL};
}

static void walk_end(struct walk *w) {
    while (w->depth) asl_free(w->stack[--w->depth].order);
    if (w->stack != w->local) asl_free(w->stack);
}

static inline uint32_t count_of(const asl_value *v) {
    return v->tag == ASL_ARRAY ? v->array->head.count : v->object->head.count;
}

static void new_line(asl_buffer *out, size_t depth) {
    char *p = room_for(out, 1 + 2 * depth);
    *p = '\n';
    memset(p + 1, ' ', 2 * depth);
    out->size += 1 + 2 * depth;
}

static int print_structure(struct jx *jx, const asl_value *v, bool pretty, asl_buffer *out) {
    struct walk w;
    w.stack = w.local, w.depth = 0, w.room = sizeof w.local / sizeof w.local[0];
    int rc = 0;
    for (;;) {
        switch (v->tag) {
        case ASL_NONE: // a group of a match that took no part
        case ASL_NULL: print_text(out, "null", 4); break;
        case ASL_BOOL: print_text(out, v->b ? "true" : "false", v->b ? 4 : 5); break;
        case ASL_DOUBLE:
            if (isinf(v->d)) {
                rc = jx_raise_value(jx, "D1001", v);
                goto end;
            }
            if (isnan(v->d)) {
                print_text(out, "null", 4);
                break;
            }
            // fall through
        case ASL_INT:
        case ASL_NUMBER_TEXT: print_number(out, v); break;
        case ASL_STRING:
            if (v->size == ASL_ON_HEAP) {
                print_string(out, v->text->bytes, v->text->size, true);
            } else {
                char text[16] = {0}; // in the value itself only 14 may be read
                memcpy(text, v->inline_text, ASL_INLINE_MAX);
                print_string(out, text, v->size, true);
            }
            break;
        case ASL_ARRAY:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "[]", count_of(v) ? 1 : 2);
            break;
        case ASL_OBJECT:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "{}", count_of(v) ? 1 : 2);
            break;
        default: print_text(out, "\"\"", 2); // a function
        }
        struct place *top = NULL;
        while (w.depth) {
            top = &w.stack[w.depth - 1];
            if (top->next < count_of(top->v)) break;
            asl_free(top->order);
            w.depth--;
            if (pretty) new_line(out, w.depth);
            print_text(out, top->v->tag == ASL_ARRAY ? "]" : "}", 1);
        }
        if (!w.depth) break;
        uint32_t i = top->next++;
        if (i) print_text(out, ",", 1);
        if (pretty) new_line(out, w.depth);
        if (top->v->tag == ASL_ARRAY) {
            v = &top->v->array->items[i];
        } else {
            const struct asl__entry *e = &top->v->object->entries[top->order ? top->order[i] : i];
            print_string(out, e->key->bytes, e->key->size, true);
            print_text(out, ": ", pretty ? 2 : 1);
            v = &e->value;
        }
    }
end:
    walk_end(&w);
    return rc;
}

// ---------------------------------------------------------------- the functions

int jx_stringify(struct jx *jx, const asl_value *v, bool pretty, asl_buffer *out) {
    switch (v->tag) {
    case ASL_NONE: return 0;
    case ASL_STRING: append_string(out, asl_text_of(v)); return 0;
    case ASL_DOUBLE:
        if (!isfinite(v->d)) return jx_raise_value(jx, "D3001", v);
        // fall through
    case ASL_INT:
    case ASL_NUMBER_TEXT: print_number(out, v); return 0;
    case ASL_NULL: print_text(out, "null", 4); return 0;
    case ASL_BOOL: print_text(out, v->b ? "true" : "false", v->b ? 4 : 5); return 0;
    case ASL_ARRAY:
        if (jx_marks(v) & JX_OUTER && count_of(v)) return jx_stringify(jx, asl_array_at(v, 0), pretty, out);
        // fall through
    case ASL_OBJECT: return print_structure(jx, v, pretty, out);
    default: return 0; // a function is ""
    }
}

int jx_fn_STRING(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    const asl_value *v = &args[0];
    (void)count;
    switch (v->tag) {
    case ASL_NONE: *out = asl_none(); return 0;
    case ASL_STRING: *out = asl_retain(*v); return 0;
    case ASL_INT: {
        char digits[20];
        if (!jx_is_exact(v->i)) break;
        *out = asl_string((asl_str){digits, asl__int_print(v->i, digits)});
        return 0;
    }
    case ASL_DOUBLE: {
        char digits[40];
        if (!isfinite(v->d)) break;
        *out = asl_string((asl_str){digits, jx_number_print15(v->d, digits)});
        return 0;
    }
    case ASL_NUMBER_TEXT:
        if (!is_printed_form(asl_text_of(v))) break;
        *out = asl_retain(*v);
        out->tag = ASL_STRING; // the same text, inline or on the heap
        return 0;
    default: break;
    }
    asl_buffer text = {0};
    int rc = jx_stringify(jx, v, args[1].tag == ASL_BOOL && args[1].b, &text);
    if (rc == 0) rc = jx_charge(jx, 2 * text.size); // as the reference's memory counts
    if (rc == 0) *out = asl_string((asl_str){text.size ? text.data : "", text.size});
    asl_buffer_free(&text);
    return rc;
}

// ---------------------------------------------------------------- $clone

// A clone is what would come back from text: numbers of 15 digits, "" for functions, null for what is undefined, no
// marks. As values never change under their owner's hands, whatever is like that already is shared, not copied.
static int clone(struct jx *jx, const asl_value *v, int depth, asl_value *out) {
    switch (v->tag) {
    case ASL_NONE: *out = asl_null(); return 0;
    case ASL_DOUBLE:
        if (isinf(v->d)) return jx_raise_value(jx, "D1001", v);
        if (isnan(v->d)) {
            *out = asl_null();
            return 0;
        }
        if (v->d == floor(v->d)) {
            *out = *v;
            return 0;
        }
        // fall through
    case ASL_NUMBER_TEXT: {
        char digits[41];
        asl_str text;
        if (v->tag == ASL_NUMBER_TEXT && (text = asl_text_of(v), is_printed_form(text))) {
            *out = asl_retain(*v);
            return 0;
        }
        size_t size = jx_number_print15(jx_number(v), digits);
        asl_value read = asl_number_text((asl_str){digits, size});
        *out = v->tag == ASL_DOUBLE ? jx_number_value(asl_number(&read)) : read;
        if (v->tag == ASL_DOUBLE) asl_release(read);
        return 0;
    }
    case ASL_ARRAY:
    case ASL_OBJECT: break;
    case ASL_NULL:
    case ASL_BOOL:
    case ASL_INT:
    case ASL_STRING: *out = asl_retain(*v); return 0;
    default: *out = asl_string((asl_str){"", 0}); return 0;
    }
    if (depth == ASL_MAX_DEPTH) return jx_raise(jx, "D1011", (const char *)NULL);
    // Copied from the first item on that is not its own clone.
    bool array = v->tag == ASL_ARRAY;
    uint32_t items = count_of(v);
    asl_value copy = asl_none();
    for (uint32_t i = 0; i < items; i++) {
        const asl_value *item = array ? &v->array->items[i] : &v->object->entries[i].value;
        asl_value made;
        if (clone(jx, item, depth + 1, &made) < 0) {
            asl_release(copy);
            return -1;
        }
        bool same = made.tag == item->tag && memcmp(&made, item, sizeof made) == 0;
        if (copy.tag == ASL_NONE) {
            if (same) {
                asl_release(made);
                continue;
            }
            if (array) {
                copy = asl_array_new(items);
                for (uint32_t j = 0; j < i; j++) copy = asl_array_push(copy, asl_retain(v->array->items[j]));
            } else {
                copy = asl_object_new(items);
                for (uint32_t j = 0; j < i; j++) {
                    copy = asl_object_set(copy, v->object->entries[j].key, asl_retain(v->object->entries[j].value));
                }
            }
        }
        copy = array ? asl_array_push(copy, made) : asl_object_set(copy, v->object->entries[i].key, made);
    }
    *out = copy.tag == ASL_NONE ? jx_marked(asl_retain(*v), 0) : copy;
    if (!array) *out = jx_in_key_order(*out);
    return 0;
}

int jx_fn_CLONE(struct jx *jx, const asl_value *args, uint32_t count, asl_value *out) {
    (void)count;
    JX_WANT(0, JX_O | JX_A | JX_M);
    if (args[0].tag == ASL_NONE) {
        *out = asl_none();
        return 0;
    }
    const asl_value *v = &args[0];
    if (jx_marks(v) & JX_OUTER && v->tag == ASL_ARRAY && count_of(v)) v = asl_array_at(v, 0);
    return clone(jx, v, 0, out);
}

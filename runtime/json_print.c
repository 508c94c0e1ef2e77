// JSON text printed from values, and its size.
//
// Strings are copied 16 bytes at a time for as long as none of the 16 must be escaped.
#include "json_private.h"

char *asl__print_escape(char *p, uint32_t unit) {
    static const char hex[] = "0123456789abcdef";
    *p++ = '\\';
    switch (unit) {
    case '"':
    case '\\': *p++ = (char)unit; break;
    case '\b': *p++ = 'b'; break;
    case '\f': *p++ = 'f'; break;
    case '\n': *p++ = 'n'; break;
    case '\r': *p++ = 'r'; break;
    case '\t': *p++ = 't'; break;
    default:
        *p++ = 'u';
        for (int shift = 12; shift >= 0; shift -= 4) *p++ = hex[unit >> shift & 15];
    }
    return p;
}

// Prints a string with its quotes. padded: it may be read in steps of 16 bytes from its start.
static inline void print_string(asl_buffer *out, const char *data, size_t size, bool padded) {
    // Room for all of it without escapes, and for writing 16 bytes and an escape at any time.
    char *p = room_for(out, size + 2 + 16 + 6);
    *p++ = '"';
    while (size) {
        char tail[16];
        const char *from = data;
        if (size < 16 && !padded) {
            memcpy(tail, data, size);
            from = tail;
        }
        uint32_t special = window_special(from, false);
        memcpy(p, from, 16);
        if (size < 16) special &= ((uint32_t)1 << size) - 1;
        size_t plain = special ? (size_t)__builtin_ctz(special) : size < 16 ? size : 16;
        p += plain;
        data += plain;
        size -= plain;
        if (!special) continue;
        p = asl__print_escape(p, (uint8_t)*data++);
        size--;
        padded = false; // out of step
        out->size = (size_t)(p - out->data);
        p = room_for(out, size + 1 + 16 + 6);
    }
    *p++ = '"';
    out->size = (size_t)(p - out->data);
}

void asl_json_print_string(asl_str text, asl_buffer *out) {
    print_string(out, text.data, text.size, false);
    out->data[out->size] = 0;
}

static inline void print_inline_string(asl_buffer *out, const asl_value *v) {
#if defined __SSE2__
    /* The value is in one register: what is written in parts and read as a whole makes the processor wait. */
    __m128i all = _mm_srli_si128(_mm_loadu_si128((const __m128i *)(const void *)v), 2);
    if (!(special_of(all, false) & (((uint32_t)1 << v->size) - 1))) {
        char *p = room_for(out, 16 + 2);
        *p = '"';
        _mm_storeu_si128((__m128i *)(void *)(p + 1), all);
        p[1 + v->size] = '"';
        out->size += v->size + 2u;
        return;
    }
#endif
    char text[16] = {0}; // in the value itself only 14 may be read
    memcpy(text, v->inline_text, ASL_INLINE_MAX);
    print_string(out, text, v->size, true);
}

struct place {
    const asl_value *v; /* an array or object that is not empty */
    uint32_t next;      /* item or member to go on with */
};

// The way down to where a walk is, without recursion.
struct walk {
    struct place local[32], *stack;
    size_t depth, room;
};

static inline void walk_down(struct walk *w, const asl_value *v) {
    if (w->depth == w->room) w->stack = more_room(w->stack, w->local, &w->room, sizeof *w->stack);
    w->stack[w->depth++] = (struct place){v, 0};
}

static inline uint32_t count_of(const asl_value *v) {
    return v->tag == ASL_ARRAY ? v->array->head.count : v->object->head.count;
}

void asl_json_print(const asl_value *v, asl_buffer *out) {
    struct walk w;
    w.stack = w.local, w.depth = 0, w.room = sizeof w.local / sizeof w.local[0];
    for (;;) {
        switch ((asl_tag)v->tag) {
        case ASL_NONE: // never inside a value; at the top it prints as what JSON has for "nothing"
        case ASL_NULL: print_text(out, "null", 4); break;
        case ASL_BOOL: print_text(out, v->b ? "true" : "false", v->b ? 4 : 5); break;
        case ASL_INT: out->size += asl__int_print(v->i, room_for(out, 20)); break;
        case ASL_DOUBLE: out->size += asl_double_print(v->d, room_for(out, 32)); break;
        case ASL_NUMBER_TEXT: {
            asl_str text = asl_text_of(v);
            print_text(out, text.data, text.size);
            break;
        }
        case ASL_STRING:
            if (v->size == ASL_ON_HEAP) print_string(out, v->text->bytes, v->text->size, true);
            else print_inline_string(out, v);
            break;
        case ASL_FUNCTION: print_text(out, "\"\"", 2); break;
        case ASL_ARRAY:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "[]", count_of(v) ? 1 : 2);
            break;
        case ASL_OBJECT:
            if (count_of(v)) walk_down(&w, v);
            print_text(out, "{}", count_of(v) ? 1 : 2);
            break;
        }
        struct place *top = NULL;
        while (w.depth) {
            top = &w.stack[w.depth - 1];
            if (top->next < count_of(top->v)) break;
            print_text(out, top->v->tag == ASL_ARRAY ? "]" : "}", 1);
            w.depth--;
        }
        if (!w.depth) break;
        uint32_t i = top->next++;
        if (i) print_text(out, ",", 1);
        if (top->v->tag == ASL_ARRAY) {
            v = &top->v->array->items[i];
        } else {
            const struct asl__entry *e = &top->v->object->entries[i];
            print_string(out, e->key->bytes, e->key->size, true);
            print_text(out, ":", 1);
            v = &e->value;
        }
    }
    if (w.stack != w.local) asl_free(w.stack);
    out->data[out->size] = 0;
}

// ---------------------------------------------------------------- size

static size_t string_size(asl_str text) {
    size_t size = text.size + 2;
    for (size_t i = 0; i < text.size; i++) {
        char escaped[6];
        uint8_t c = (uint8_t)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\') size += (size_t)(asl__print_escape(escaped, c) - escaped) - 1;
    }
    return size;
}

size_t asl_json_size(const asl_value *v) {
    struct walk w;
    w.stack = w.local, w.depth = 0, w.room = sizeof w.local / sizeof w.local[0];
    size_t size = 0;
    char digits[32];
    for (;;) {
        switch ((asl_tag)v->tag) {
        case ASL_NONE:
        case ASL_NULL: size += 4; break;
        case ASL_BOOL: size += v->b ? 4 : 5; break;
        case ASL_INT: size += asl__int_print(v->i, digits); break;
        case ASL_DOUBLE: size += asl_double_print(v->d, digits); break;
        case ASL_NUMBER_TEXT: size += asl_text_of(v).size; break;
        case ASL_STRING: size += string_size(asl_text_of(v)); break;
        case ASL_FUNCTION: size += 2; break;
        case ASL_ARRAY:
        case ASL_OBJECT:
            size += count_of(v) ? count_of(v) + 1 : 2; // brackets and commas
            if (count_of(v)) walk_down(&w, v);
            break;
        }
        while (w.depth && w.stack[w.depth - 1].next == count_of(w.stack[w.depth - 1].v)) w.depth--;
        if (!w.depth) break;
        struct place *top = &w.stack[w.depth - 1];
        uint32_t i = top->next++;
        if (top->v->tag == ASL_ARRAY) {
            v = &top->v->array->items[i];
        } else {
            const struct asl__entry *e = &top->v->object->entries[i];
            size += string_size((asl_str){e->key->bytes, e->key->size}) + 1;
            v = &e->value;
        }
    }
    if (w.stack != w.local) asl_free(w.stack);
    return size;
}

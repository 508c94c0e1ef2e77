// Signatures of functions: <s-nn?:s> and the like (jsonata-language 14).
//
// A signature is a regular expression over one letter for each argument; it must match all of them, each parameter taking
// as many as it can. Most calls give every parameter its own argument of the right kind: that is tried first, with a mask
// per parameter. What is left (arguments skipped because the context stands in, repeated parameters) is decided with a
// table of what the rest of the parameters can do with the rest of the arguments, so that no signature takes more than
// parameters × arguments steps.
#include "lib.h"

struct parameter {
    uint8_t letters;      // JX_S …: what it takes, with JX_M where undefined may stand
    uint8_t context;      // what the context may be when it stands in; 0: it does not
    bool optional, repeated, lazy;
    bool array;           // type a: scalars are wrapped
    const char *subtype;  // of a<…>: static text, or NULL
    uint8_t item;         // the letter it stands for
};

struct jx_signature {
    uint32_t count;
    bool plain; // no repeated parameter
    struct parameter parameters[];
};

// ---------------------------------------------------------------- reading

static uint8_t letters_of(char type) {
    switch (type) {
    case 's': return JX_S | JX_M;
    case 'n': return JX_N | JX_M;
    case 'b': return JX_B | JX_M;
    case 'l': return JX_L | JX_M;
    case 'o': return JX_O | JX_M;
    case 'a': return JX_A | JX_S | JX_N | JX_B | JX_L | JX_F | JX_O | JX_M;
    case 'f': return JX_F;
    case 'j': return JX_A | JX_S | JX_N | JX_B | JX_L | JX_O | JX_M;
    case 'x': return 0xff;
    default: return 0;
    }
}

// A choice holds the letters of arguments, not types: (sf) takes what is written, or undefined.
static uint8_t letter_alone(char c) {
    static const char names[] = "snblaof";
    const char *at = c ? strchr(names, c) : NULL;
    return at ? (uint8_t)(1 << (at - names)) : c == 'm' ? JX_M : 0;
}

static const char *plural_of(char type) {
    switch (type) {
    case 'a': return "arrays";
    case 'b': return "booleans";
    case 'f': return "functions";
    case 'n': return "numbers";
    case 'o': return "objects";
    case 's': return "strings";
    default: return "";
    }
}

// Where the bracket that closes the one at `at` stands, or the end.
static size_t closing(asl_str t, size_t at, char open, char close) {
    size_t depth = 0;
    for (; at < t.size; at++) {
        if (t.data[at] == open) depth++;
        if (t.data[at] == close && --depth == 0) return at;
    }
    return t.size;
}

struct jx_signature *jx_signature_parse(asl_str text, const char **code, size_t *offset) {
    struct jx_signature *s = asl_alloc(sizeof *s + text.size * sizeof s->parameters[0]);
    *s = (struct jx_signature){.plain = true};
    struct parameter *last = NULL;
    for (size_t i = 1; i < text.size && text.data[i] != ':' && text.data[i] != '>'; i++) { // behind '<'
        char c = text.data[i];
        switch (c) {
        case 's': case 'n': case 'b': case 'l': case 'o': case 'a': case 'f': case 'j': case 'x':
            last = &s->parameters[s->count++];
            *last = (struct parameter){.letters = letters_of(c), .array = c == 'a'};
            break;
        case '(': {
            size_t end = closing(text, i, '(', ')');
            uint8_t letters = JX_M;
            for (size_t j = i + 1; j < end; j++) {
                if (text.data[j] == '<') {
                    *code = "S0402";
                    *offset = i;
                    asl_free(s);
                    return NULL;
                }
                letters |= letter_alone(text.data[j]);
            }
            last = &s->parameters[s->count++];
            *last = (struct parameter){.letters = letters};
            i = end;
            break;
        }
        case '<': {
            if (!last || (!last->array && last->letters != JX_F)) {
                *code = "S0401";
                *offset = i;
                asl_free(s);
                return NULL;
            }
            size_t end = closing(text, i, '<', '>');
            if (last->array && end > i + 1) {
                // Only the first letter is compared with items; but a scalar must be the whole type.
                char type = text.data[i + 1];
                last->subtype = plural_of(type);
                last->item = letter_alone(type);
            }
            i = end;
            break;
        }
        case '-':
            if (!last) break;
            last->context = last->letters;
            last->lazy |= last->optional | last->repeated;
            last->optional = true;
            break;
        case '?':
            if (!last) break;
            last->lazy |= last->optional | last->repeated;
            last->optional |= !last->repeated;
            break;
        case '+':
            if (!last) break;
            last->repeated = true;
            s->plain = false;
            break;
        default: break;
        }
    }
    return s;
}

void jx_signature_free(struct jx_signature *s) { asl_free(s); }

uint32_t jx_signature_params(const struct jx_signature *s) { return s->count; }

// ---------------------------------------------------------------- one argument

struct check {
    struct jx *jx;
    const asl_value *args, *context;
    uint32_t count;
    asl_value *out;
    uint32_t made, capacity;
};

static void give(struct check *c, asl_value v) {
    if (c->made < c->capacity) c->out[c->made++] = v;
    else asl_release(v);
}

static int fail(struct check *c) {
    while (c->made) asl_release(c->out[--c->made]);
    return -1;
}

static int fail_at(struct check *c, const char *code, uint32_t index, const asl_value *value, const char *type) {
    static const asl_value nothing = {.tag = ASL_NONE};
    asl_value number = asl_int((int64_t)index + 1), name = asl_string_z(type ? type : "");
    jx_raise(c->jx, code, "value", value ? value : &nothing, "index", &number, type ? "type" : (const char *)NULL, &name,
             (const char *)NULL);
    asl_release(name);
    return fail(c);
}

static bool items_are(const asl_value *array, uint8_t letter) {
    const asl_value *items = array->array->items;
    for (uint32_t i = 0, n = array->array->head.count; i < n; i++) {
        if (jx_letter(&items[i]) != letter) return false;
    }
    return true;
}

// An argument for a parameter of type a. alone: the parameter took no other.
static int give_array(struct check *c, const struct parameter *p, uint32_t index, bool alone) {
    const asl_value *v = &c->args[index];
    bool array = v->tag == ASL_ARRAY;
    if (v->tag == ASL_NONE) {
        give(c, asl_none());
        return 0;
    }
    if (p->subtype && !(array ? items_are(v, p->item) : alone && jx_letter(v) == p->item)) {
        return fail_at(c, "T0412", index, v, p->subtype);
    }
    if (array) {
        give(c, asl_retain(*v));
    } else {
        asl_value wrapped = asl_array_new(1);
        give(c, asl_array_push(wrapped, asl_retain(*v)));
    }
    return 0;
}

// A parameter that takes none of the arguments left.
static int give_absent(struct check *c, const struct parameter *p, uint32_t *index) {
    if (p->context) {
        if (!(jx_letter(c->context) & p->context)) return fail_at(c, "T0411", *index, c->context, NULL);
        give(c, asl_retain(*c->context));
        return 0;
    }
    // As the reference does it: what stands there is given all the same, and is used up.
    give(c, *index < c->count ? asl_retain(c->args[*index]) : asl_none());
    ++*index;
    return 0;
}

// ---------------------------------------------------------------- all of them

static bool fits_in_order(const struct jx_signature *s, const struct check *c) {
    if (!s->plain || c->count > s->count) return false;
    for (uint32_t i = 0; i < c->count; i++) {
        if (!(s->parameters[i].letters & jx_letter(&c->args[i]))) return false;
    }
    for (uint32_t i = c->count; i < s->count; i++) {
        if (!s->parameters[i].optional) return false;
    }
    return true;
}

static int take_in_order(const struct jx_signature *s, struct check *c) {
    uint32_t index = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct parameter *p = &s->parameters[i];
        if (i >= c->count) {
            if (give_absent(c, p, &index) < 0) return -1;
        } else if (!p->array) {
            give(c, asl_retain(c->args[index++]));
        } else if (give_array(c, p, index++, true) < 0) {
            return -1;
        }
    }
    return 0;
}

// can[p * (count + 1) + a]: whether parameters p … limit-1 can match arguments from a on; all of them when `whole`, else
// as many as they like.
static void fill_table(const struct jx_signature *s, const struct check *c, uint32_t limit, bool whole, bool *can) {
    uint32_t width = c->count + 1;
    for (uint32_t a = 0; a <= c->count; a++) can[limit * width + a] = !whole || a == c->count;
    for (uint32_t p = limit; p-- > 0;) {
        const struct parameter *q = &s->parameters[p];
        for (uint32_t a = c->count + 1; a-- > 0;) {
            bool takes = a < c->count && q->letters & jx_letter(&c->args[a]);
            bool ok = q->optional && can[(p + 1) * width + a];
            if (takes) ok |= can[(p + 1) * width + a + 1] || (q->repeated && can[p * width + a + 1]);
            can[p * width + a] = ok;
        }
    }
}

// How many arguments from a on parameter p takes: as many as it can, or as few when it is lazy.
static uint32_t taken(const struct jx_signature *s, const struct check *c, const bool *can, uint32_t p, uint32_t a) {
    const struct parameter *q = &s->parameters[p];
    uint32_t width = c->count + 1, best = 0;
    bool found = q->optional && can[(p + 1) * width + a];
    for (uint32_t n = 1; n <= (q->repeated ? c->count - a : 1) && a + n <= c->count; n++) {
        if (found && q->lazy) break;
        if (!(q->letters & jx_letter(&c->args[a + n - 1]))) break;
        if (can[(p + 1) * width + a + n]) {
            best = n;
            found = true;
        }
    }
    return best;
}

// No match: how many arguments the parameters before the first that fails take, tells which one is to blame.
static int blame(const struct jx_signature *s, struct check *c, bool *can) {
    uint32_t good = 0;
    for (uint32_t limit = 1; limit <= s->count; limit++) {
        fill_table(s, c, limit, false, can);
        if (!can[0]) break;
        good = 0;
        for (uint32_t p = 0; p < limit; p++) good += taken(s, c, can, p, good);
    }
    return fail_at(c, "T0410", good, good < c->count ? &c->args[good] : NULL, NULL);
}

static int take_by_table(const struct jx_signature *s, struct check *c, bool *can) {
    fill_table(s, c, s->count, true, can);
    if (!can[0]) return blame(s, c, can);
    uint32_t at = 0, index = 0; // what the match has come to; what is given next (they part where give_absent uses up)
    for (uint32_t i = 0; i < s->count; i++) {
        const struct parameter *p = &s->parameters[i];
        uint32_t n = taken(s, c, can, i, at);
        if (n == 0 && give_absent(c, p, &index) < 0) return -1;
        for (uint32_t j = 0; j < n; j++, index++) {
            if (index >= c->count) give(c, asl_none());
            else if (!p->array) give(c, asl_retain(c->args[index]));
            else if (give_array(c, p, index, n == 1) < 0) return -1;
        }
        at += n;
    }
    return 0;
}

int jx_signature_check(struct jx *jx, const struct jx_signature *s, const asl_value *args, uint32_t count,
                       const asl_value *context, asl_value *out, uint32_t capacity, uint32_t *out_count) {
    struct check c = {.jx = jx, .args = args, .context = context, .count = count, .out = out, .capacity = capacity};
    int rc;
    if (fits_in_order(s, &c)) {
        rc = take_in_order(s, &c);
    } else {
        bool local[256], *can = local;
        size_t size = asl__block_size(0, (size_t)s->count + 1, (size_t)count + 1);
        if (size > sizeof local) can = asl_alloc(size);
        rc = take_by_table(s, &c, can);
        if (can != local) asl_free(can);
    }
    if (rc == 0) {
        while (c.made < s->count && c.made < capacity) c.out[c.made++] = asl_none();
    }
    *out_count = c.made;
    return rc;
}

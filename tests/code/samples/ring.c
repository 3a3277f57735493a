/* A ring buffer. */
#include <stdlib.h>
#include "ring.h"

#define RING_SIZE 16
#define MIN(a, b) ((a) < (b) ? (a) : (b))

struct ring;

/* What the ring holds. */
struct ring {
    int items[RING_SIZE];
    size_t head;
};

typedef enum {
    RING_OK,
    RING_FULL,
} ring_status;

typedef struct {
    int x, y;
} point_t;

static int count_of(const struct ring *r);

/**
 * Adds an item.
 */
ring_status ring_push(struct ring *r, int item)
{
    if (count_of(r) == RING_SIZE)
        return RING_FULL;
    r->items[r->head++ % RING_SIZE] = item;
    return RING_OK;
}

#ifdef DEBUG
static void
ring_dump(const struct ring *r)
{
    for (size_t i = 0; i < r->head; i++)
        printf("%d\n", r->items[i]);
}
#else
static void ring_dump(const struct ring *r) {}
#endif

char **(*ring_names(void))(int)
{
    return 0;
}

static int count_of(const struct ring *r) { return (int)r->head; }

#include <millrace/lanes.h>

#include <string.h>

int mr_lanes_init(struct mr_lanes *lanes, const struct mr_lane *given, uint32_t count,
                  struct mr_error *error)
{
    if (count == 0)
        return mr_error_set(error, MR_E_INVALID, "lanes: there must be one");
    if (count > MR_LANES_MAX)
        return mr_error_set(error, MR_E_LIMIT, "lanes: %u, at most %d are possible", count,
                            MR_LANES_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (given[i].consumer == NULL)
            return mr_error_set(error, MR_E_INVALID, "lanes: lane %u lacks a consumer", i);

    memset(lanes, 0, sizeof *lanes);
    lanes->count = count;
    for (uint32_t i = 0; i < count; i++) {
        lanes->lanes[i] = given[i];
        if (given[i].patience == 0)
            lanes->lanes[i].patience = MR_LANE_PATIENCE;
        lanes->due[i] = lanes->lanes[i].patience;
    }
    return MR_OK;
}

/* Looks at one lane: takes the next batch from it, or notes that it is empty. */
static bool lane_take(struct mr_lanes *lanes, uint32_t index, uint64_t *first, uint64_t *next)
{
    const struct mr_lane *lane = &lanes->lanes[index];
    uint64_t position = mr_consumer_position(lane->consumer);
    uint64_t available = mr_consumer_available(lane->consumer);
    if (available == position) {
        lanes->due[index] = lanes->batches + lane->patience;
        return false;
    }
    lanes->batches++;
    lanes->due[index] = lanes->batches + lane->patience;
    *first = position;
    *next = available;
    return true;
}

/* Takes the next batch from a lane that is due. Each that is found empty is not due any more. */
static bool due_take(struct mr_lanes *lanes, uint32_t *lane, uint64_t *first, uint64_t *next)
{
    for (;;) {
        uint32_t latest = 0;
        for (uint32_t i = 1; i < lanes->count; i++)
            if (lanes->due[i] < lanes->due[latest])
                latest = i;
        /* What comes due later than this stays so: numbers in `due` only grow. */
        lanes->due_first = lanes->due[latest];
        if (lanes->due_first > lanes->batches)
            return false;
        if (lane_take(lanes, latest, first, next)) {
            *lane = latest;
            return true;
        }
    }
}

bool mr_lanes_poll(struct mr_lanes *lanes, uint32_t *lane, uint64_t *first, uint64_t *next)
{
    if (lanes->batches >= lanes->due_first && due_take(lanes, lane, first, next))
        return true;
    for (uint32_t i = 0; i < lanes->count; i++)
        if (lane_take(lanes, i, first, next)) {
            *lane = i;
            return true;
        }
    return false;
}

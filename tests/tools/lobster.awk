# A naive exchange, which trades by price and time, and tells of it as a LOBSTER message file.
#
#     awk -v seed=7 -v lines=20000 -f lobster.awk >messages.csv
#
# It knows nothing of the order book that is tested with it. At the end all orders are deleted.

function tell(type, id, size, price, direction)
{
    now += 1 + int(rand() * 2000000)
    if (rand() < 0.1)
        now -= now % 1000000 # times have fewer decimals at times, and repeat
    printf "%d.%09d,%d,%d,%d,%d,%d\n", now / 1e9, now % 1e9, type, id, size, price, direction
    told++
}

# The best price of a side: 0 if there is none. Direction 1 buys, -1 sells.
function best(direction,    price)
{
    price = direction > 0 ? PRICE_MAX : PRICE_MIN
    while (price >= PRICE_MIN && price <= PRICE_MAX && !(first[direction, price] > 0))
        price -= direction
    return price >= PRICE_MIN && price <= PRICE_MAX ? price : 0
}

function leave(id,    level)
{
    level = side[id] SUBSEP at[id]
    if (before[id] > 0)
        behind[before[id]] = behind[id]
    else
        first[level] = behind[id]
    if (behind[id] > 0)
        before[behind[id]] = before[id]
    else
        last[level] = before[id]
    live[place[id]] = live[count]
    place[live[count]] = place[id]
    count--
    delete open[id]
}

function rest(id, direction, price, size,    level)
{
    level = direction SUBSEP price
    side[id] = direction
    at[id] = price
    open[id] = size
    before[id] = last[level]
    behind[id] = 0
    if (last[level] > 0)
        behind[last[level]] = id
    else
        first[level] = id
    last[level] = id
    live[++count] = id
    place[id] = count
    tell(1, id, size, price * 100, direction)
}

function arrive(    direction, price, size, other, id, fill)
{
    direction = rand() < 0.5 ? 1 : -1
    price = int(middle) - direction * (int(rand() * rand() * 40) - 4)
    price = price < PRICE_MIN ? PRICE_MIN : price > PRICE_MAX ? PRICE_MAX : price
    size = 1 + int(rand() * 100)
    while (size > 0 && (other = best(-direction)) > 0 && (price - other) * direction >= 0) {
        id = first[-direction, other]
        fill = open[id] < size ? open[id] : size
        tell(4, id, fill, other * 100, -direction)
        size -= fill
        open[id] -= fill
        if (open[id] == 0)
            leave(id)
    }
    if (size > 0)
        rest(++ids, direction, price, size)
}

function shrink(id, partly,    size)
{
    if (partly && open[id] > 1) {
        size = 1 + int(rand() * (open[id] - 1))
        open[id] -= size
        tell(2, id, size, at[id] * 100, side[id])
    } else {
        tell(3, id, open[id], at[id] * 100, side[id])
        leave(id)
    }
}

# While trading is halted, orders go, but do not change.
function halt()
{
    tell(7, 0, 0, -1, -1)
    if (count > 0)
        shrink(live[1 + int(rand() * count)], 0)
    tell(7, 0, 0, 0, -1)
    tell(6, -1, 500, middle * 100, -1)
    tell(7, 0, 0, 1, -1)
}

BEGIN {
    srand(seed)
    PRICE_MIN = 900
    PRICE_MAX = 1100
    middle = 1000
    now = 34200 * 1e9
    ids = 1000
    while (told < lines) {
        way = rand()
        middle += rand() < 0.5 ? 0.1 : -0.1
        if (way < 0.6 || count == 0)
            arrive()
        else if (way < 0.97)
            shrink(live[1 + int(rand() * count)], rand() < 0.4)
        else if (way < 0.999)
            tell(5, 0, 1 + int(rand() * 100), int(middle) * 100, rand() < 0.5 ? 1 : -1)
        else
            halt()
    }
    while (count > 0)
        shrink(live[count], 0)
}

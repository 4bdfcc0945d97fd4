#include "bench/book/law.h"

#include <math.h>

enum { HUMP = 8 };

#define EXPONENT 2.2

/* d / (c + d)^(exponent + 1) falls as d^-exponent far out and is highest at d = c / exponent. */
void law_init(struct law *law)
{
    double sum = 0;
    for (int d = 0; d < LAW_DISTANCES; d++) {
        double x = d + 0.5;
        sum += x / pow(HUMP * EXPONENT + x, EXPONENT + 1);
        law->cumulated[d] = sum;
    }
    for (int d = 0; d < LAW_DISTANCES; d++)
        law->cumulated[d] /= sum;
}

double law_chance(struct mr_random *random)
{
    return ((double)(mr_random_u64(random) >> 11) + 0.5) * 0x1p-53;
}

double law_exponential(struct mr_random *random, double mean)
{
    return -mean * log(law_chance(random));
}

int32_t law_distance(const struct law *law, struct mr_random *random)
{
    double sought = law_chance(random);
    int32_t low = 0;
    int32_t high = LAW_DISTANCES - 1;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (law->cumulated[middle] < sought)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

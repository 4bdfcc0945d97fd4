#include "bench/pipeline/curve.h"

#include "base/assert.h"
#include "bench/pipeline/hgrm.h"

#include <math.h>

enum {
    WIDTH = 860,
    HEIGHT = 520,
    LEFT = 84, /* of the plot, in the picture */
    RIGHT = 44,
    TOP = 72,
    BOTTOM = 64,
    PLOT_WIDTH = WIDTH - LEFT - RIGHT,
    PLOT_HEIGHT = HEIGHT - TOP - BOTTOM,
    LEGEND_STEP = 19,
    LEGEND_WIDTH = 330,
};

/* Colours that people who see red and green alike can tell apart (Okabe and Ito). */
static const char *const colours[] = {"#0072b2", "#009e73", "#d55e00", "#cc79a7"};
enum { COLOURS = sizeof colours / sizeof *colours };

/* What the axes span: nines to the right, powers of ten of nanoseconds upwards. */
struct axes {
    double nines; /* as many as the longest curve has */
    int low, high;
};

static struct axes axes_of(const struct curve *curves, uint32_t count)
{
    uint64_t most = 1;
    uint64_t least = UINT64_MAX;
    uint64_t greatest = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_histogram *histogram = curves[i].histogram;
        if (histogram->count > 0) {
            most = histogram->count > most ? histogram->count : most;
            least = histogram->min < least ? histogram->min : least;
            greatest = histogram->max > greatest ? histogram->max : greatest;
        }
    }
    least = least < 1 || least > greatest ? 1 : least;
    struct axes axes = {.nines = fmax(log10((double)most), 1),
                        .low = (int)floor(log10((double)least)),
                        .high = (int)ceil(log10((double)greatest))};
    axes.high = axes.high > axes.low ? axes.high : axes.low + 1;
    return axes;
}

/* `left` is the share of commands that are slower. */
static double x_of(const struct axes *axes, double left)
{
    double nines = -log10(left);
    return LEFT + PLOT_WIDTH * fmin(nines, axes->nines) / axes->nines;
}

static double y_of(const struct axes *axes, double ns)
{
    double powers = log10(fmax(ns, 1)) - axes->low;
    return TOP + PLOT_HEIGHT * (1 - powers / (axes->high - axes->low));
}

/* 10^`power` ns in a unit that people read. */
static void tick_text(int power, char *text, size_t size)
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    int unit = power / 3 < 3 ? power / 3 : 3;
    (void)snprintf(text, size, "%.0f %s", pow(10, power - 3 * unit), units[unit]);
}

static void write_line(FILE *file, double x1, double y1, double x2, double y2)
{
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x1, y1, x2, y2);
}

static void write_text(FILE *file, double x, double y, const char *anchor, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" stroke=\"none\">%s</text>\n", x,
            y, anchor, text);
}

static void write_x_axis(const struct axes *axes, FILE *file)
{
    static const char *const names[] = {"90 %",       "99 %",     "99.9 %",
                                        "99.99 %",    "99.999 %", "99.9999 %",
                                        "99.99999 %", "eight 9s", "nine 9s"};
    int known = (int)(sizeof names / sizeof *names);
    write_line(file, LEFT, TOP, LEFT, TOP + PLOT_HEIGHT);
    for (int nines = 1; nines <= axes->nines && nines <= known; nines++) {
        double x = x_of(axes, pow(10, -nines));
        write_line(file, x, TOP, x, TOP + PLOT_HEIGHT);
        write_text(file, x, TOP + PLOT_HEIGHT + 20, "middle", names[nines - 1]);
    }
    double middle = x_of(axes, 0.5);
    write_line(file, middle, TOP, middle, TOP + PLOT_HEIGHT);
    write_text(file, middle, TOP + PLOT_HEIGHT + 20, "middle", "50 %");
    write_text(file, LEFT + PLOT_WIDTH / 2.0, HEIGHT - 14, "middle",
               "share of all commands that are no slower");
}

static void write_y_axis(const struct axes *axes, FILE *file)
{
    for (int power = axes->low; power <= axes->high; power++) {
        char text[32];
        double y = y_of(axes, pow(10, power));
        tick_text(power, text, sizeof text);
        write_line(file, LEFT, y, LEFT + PLOT_WIDTH, y);
        write_text(file, LEFT - 8, y + 4, "end", text);
    }
    fprintf(file,
            "<text transform=\"translate(20,%.1f) rotate(-90)\" text-anchor=\"middle\" "
            "stroke=\"none\">latency, "
            "from when a command was due</text>\n",
            TOP + PLOT_HEIGHT / 2.0);
}

static void write_curve(const struct axes *axes, const struct curve *curve, const char *colour,
                        FILE *file)
{
    struct hgrm_line lines[HGRM_LINES_MAX];
    uint32_t count = hgrm_lines(curve->histogram, lines, HGRM_LINES_MAX);
    fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", colour,
            curve->dashed ? " stroke-dasharray=\"3 4\"" : "");
    for (uint32_t i = 0; i < count; i++) {
        /* The last one is the slowest of so many. */
        double left = fmax(1 - lines[i].percentile, 1.0 / (double)curve->histogram->count);
        fprintf(file, "%s%.1f,%.1f", i > 0 ? " " : "", x_of(axes, left),
                y_of(axes, lines[i].value));
    }
    fprintf(file, "\"/>\n");
}

/* Below the curves' right end, where nothing else is: they only rise. */
static void write_legend(const struct curve *curve, const char *colour, uint32_t below, FILE *file)
{
    double x = LEFT + PLOT_WIDTH - LEGEND_WIDTH;
    double y = TOP + PLOT_HEIGHT - 14.0 - LEGEND_STEP * (double)below;
    fprintf(file,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"2\"%s/>\n",
            x, y, x + 30, y, colour, curve->dashed ? " stroke-dasharray=\"3 4\"" : "");
    fprintf(file,
            "<text x=\"%.1f\" y=\"%.1f\" stroke=\"#ffffff\" stroke-width=\"4\" "
            "paint-order=\"stroke\">%s</text>\n",
            x + 38, y + 4, curve->label);
}

static void write_frame(const char *title, const char *subtitle, FILE *file)
{
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    fprintf(file, "<text x=\"%d\" y=\"28\" font-size=\"17\">%s</text>\n", LEFT, title);
    fprintf(file, "<text x=\"%d\" y=\"50\" fill=\"#555555\">%s</text>\n", LEFT, subtitle);
}

bool curve_write(const char *title, const char *subtitle, const struct curve *curves,
                 uint32_t count, FILE *file)
{
    ASSERT(count <= CURVES_MAX);
    struct axes axes = axes_of(curves, count);
    write_frame(title, subtitle, file);
    fprintf(file, "<g stroke=\"#dddddd\" stroke-width=\"1\">\n");
    write_x_axis(&axes, file);
    write_y_axis(&axes, file);
    fprintf(file, "</g>\n");
    uint32_t colour = 0;
    for (uint32_t i = 0; i < count; i++) {
        colour += i > 0 && !curves[i].dashed ? 1 : 0;
        if (curves[i].histogram->count > 0) {
            write_curve(&axes, &curves[i], colours[colour % COLOURS], file);
            write_legend(&curves[i], colours[colour % COLOURS], count - 1 - i, file);
        }
    }
    fprintf(file, "</svg>\n");
    return ferror(file) == 0;
}

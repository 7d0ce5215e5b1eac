/* SPDX-License-Identifier: MIT */
/*
 * The matrix of `mmstorm zoo' as a picture: a row for each bug, a column for each
 * detector; how many seeds found it, and a dot for each of them where it was found on a
 * logarithmic axis of time, a bar at the median.
 *
 * Written by hand: it is rectangles, lines and words.  Colour says nothing that the
 * figures beside it do not say.
 */
#include <math.h>
#include <stdio.h>

#include "stress/stats.h"
#include "stress/zoo.h"

#define MARGIN		16
#define HEAD		84	/* title, what was done, names of columns */
#define FOOT		44	/* the axis */
#define BUG_WIDTH	262
#define CELL_WIDTH	216
#define CELL_GAP	6
#define ROW_HEIGHT	46
#define PAD		10	/* of the axis, inside a cell */
#define SHORTEST	0.05	/* seconds, the left end of the axis */

struct canvas {
	FILE			*out;
	const struct zoo_matrix	*m;
	double			longest;	/* seconds, the right end of the axis */
};

static unsigned int columns(const struct zoo_matrix *m)
{
	unsigned int d, nr = 0;

	for (d = 0; d < NR_DETECTORS; d++)
		nr += m->asked[d];
	return nr;
}

/* How far to the right of a cell's edge a time is. */
static double position(const struct canvas *c, double seconds)
{
	double share;

	if (seconds < SHORTEST)
		seconds = SHORTEST;
	if (seconds > c->longest)
		seconds = c->longest;
	share = log(seconds / SHORTEST) / log(c->longest / SHORTEST);
	return PAD + share * (CELL_WIDTH - CELL_GAP - 2 * PAD);
}

static const char *colour(const struct zoo_cell *cell)
{
	if (!zoo_tried(cell))
		return "#ececec";
	if (!cell->found)
		return "#f3cfca";
	return cell->found * 20 >= cell->seeds * 19 ? "#cfe6cf" : "#f9ecc0";
}

static void words(const struct canvas *c, double x, double y, const char *style, const char *text)
{
	fprintf(c->out, "<text x='%.1f' y='%.1f' %s>%s</text>\n", x, y, style, text);
}

static void line(const struct canvas *c, double x1, double y1, double x2, double y2,
		 const char *style)
{
	fprintf(c->out, "<path d='M%.1f %.1f L%.1f %.1f' %s/>\n", x1, y1, x2, y2, style);
}

#define THIN	"stroke='#777'"
#define BAR	"stroke='#b3261e' stroke-width='2.5'"
#define DOT	"r='3' fill='#1d4f7a' fill-opacity='0.45'"

static void draw_times(const struct canvas *c, const struct zoo_cell *cell, double x, double y)
{
	double middle = x + position(c, median(cell->seconds, cell->found));
	unsigned int i;

	line(c, x + position(c, cell->seconds[0]), y,
	     x + position(c, cell->seconds[cell->found - 1]), y, THIN);
	for (i = 0; i < cell->found; i++)
		fprintf(c->out, "<circle cx='%.1f' cy='%.1f' %s/>\n",
			x + position(c, cell->seconds[i]), y, DOT);
	line(c, middle, y - 7, middle, y + 7, BAR);
}

static void draw_cell(const struct canvas *c, unsigned int bug, enum detector_id d, double x,
		      double y)
{
	const struct zoo_cell *cell = zoo_cell(c->m, bug, d);
	char text[64], middle[16];

	fprintf(c->out, "<rect x='%.1f' y='%.1f' width='%d' height='%d' rx='3' fill='%s'/>\n",
		x, y, CELL_WIDTH - CELL_GAP, ROW_HEIGHT - CELL_GAP, colour(cell));
	if (c->m->program[d].lacks[0])
		snprintf(text, sizeof(text), "- (no build)");
	else if (!zoo_tried(cell))
		snprintf(text, sizeof(text), "- (not tried)");
	else if (cell->found)
		snprintf(text, sizeof(text), "%u of %u, median %s s", cell->found, cell->seeds,
			 zoo_seconds(middle, sizeof(middle), median(cell->seconds, cell->found)));
	else
		snprintf(text, sizeof(text), "0 of %u", cell->seeds);
	words(c, x + PAD, y + 16, "", text);
	if (cell->found)
		draw_times(c, cell, x, y + 29);
}

static void draw_axis(const struct canvas *c, double x, double y)
{
	char text[32];
	double tick;

	line(c, x + PAD, y, x + position(c, c->longest), y, THIN);
	for (tick = 0.1; tick <= c->longest * 1.001; tick *= 10) {
		double at = x + position(c, tick);

		line(c, at, y, at, y + 5, THIN);
		snprintf(text, sizeof(text), "%g s", tick);
		words(c, at, y + 18, "class='axis' text-anchor='middle'", text);
	}
}

static void draw_head(const struct canvas *c, double width, double height)
{
	const struct zoo_matrix *m = c->m;
	unsigned int i;

	fprintf(c->out, "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' viewBox='0 0 %.0f %.0f'>\n"
		"<style>text{font:13px DejaVu Sans,Verdana,sans-serif;fill:#222}"
		".big{font-size:17px;font-weight:bold}.column{font-weight:bold}"
		".axis{font-size:11px;fill:#555}</style>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n",
		width, height, width, height);
	words(c, MARGIN, 28, "class='big'", "Historical mm bugs, and what finds them");
	fprintf(c->out, "<text x='%d' y='48' class='axis'>%u seeds, at most %g s each, %u vCPUs; storms ",
		MARGIN, m->seeds, m->budget, m->cpus);
	for (i = 0; i < m->nr_storms; i++)
		fprintf(c->out, "%s%s", i ? ", " : "", m->storms[i]->name);
	fprintf(c->out, "%s</text>\n", m->interrupted ? " (interrupted)" : "");
}

void zoo_svg(FILE *out, const struct zoo_matrix *m)
{
	struct canvas c = { .out = out, .m = m, .longest = m->budget > 1 ? m->budget : 1 };
	double bottom = HEAD + (double)m->nr_bugs * ROW_HEIGHT, x = MARGIN + BUG_WIDTH;
	unsigned int bug, d;

	draw_head(&c, x + columns(m) * CELL_WIDTH + MARGIN, bottom + FOOT);
	for (bug = 0; bug < m->nr_bugs; bug++)
		words(&c, MARGIN, HEAD + bug * ROW_HEIGHT + 25, "", m->bugs[bug]);
	words(&c, MARGIN, bottom + 18, "class='axis'", "dot: a seed that found it; bar: the median");
	for (d = 0; d < NR_DETECTORS; d++) {
		if (!m->asked[d])
			continue;
		words(&c, x + PAD, HEAD - 10, "class='column'", detectors[d].slug);
		for (bug = 0; bug < m->nr_bugs; bug++)
			draw_cell(&c, bug, d, x, HEAD + bug * ROW_HEIGHT);
		draw_axis(&c, x, bottom + 2);
		x += CELL_WIDTH;
	}
	fprintf(out, "</svg>\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * The matrix of `mmstorm zoo' as a picture: a row for each bug, a column for each
 * detector or strategy; how many seeds found it, and a dot for each of them where it was
 * found on a logarithmic axis of time, or of schedules, a bar at the median.
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

struct canvas {
	FILE			*out;
	const struct zoo_matrix	*m;
	double			least, most;	/* the ends of the axis: seconds, or schedules */
	const char		*unit;
};

/* How far to the right of a cell's edge it is. */
static double position(const struct canvas *c, double took)
{
	double share;

	if (took < c->least)
		took = c->least;
	if (took > c->most)
		took = c->most;
	share = log(took / c->least) / log(c->most / c->least);
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
	double middle = x + position(c, median(cell->took, cell->found));
	unsigned int i;

	line(c, x + position(c, cell->took[0]), y,
	     x + position(c, cell->took[cell->found - 1]), y, THIN);
	for (i = 0; i < cell->found; i++)
		fprintf(c->out, "<circle cx='%.1f' cy='%.1f' %s/>\n",
			x + position(c, cell->took[i]), y, DOT);
	line(c, middle, y - 7, middle, y + 7, BAR);
}

static void draw_cell(const struct canvas *c, unsigned int bug, unsigned int column, double x,
		      double y)
{
	const struct zoo_cell *cell = zoo_cell(c->m, bug, column);
	char text[64], middle[16];

	fprintf(c->out, "<rect x='%.1f' y='%.1f' width='%d' height='%d' rx='3' fill='%s'/>\n",
		x, y, CELL_WIDTH - CELL_GAP, ROW_HEIGHT - CELL_GAP, colour(cell));
	if (c->m->columns[column].program.lacks[0])
		snprintf(text, sizeof(text), "- (no build)");
	else if (!zoo_tried(cell))
		snprintf(text, sizeof(text), "- (not tried)");
	else if (cell->found)
		snprintf(text, sizeof(text), "%u of %u, median %s%s", cell->found, cell->seeds,
			 zoo_took(middle, sizeof(middle), c->m, median(cell->took, cell->found)),
			 c->unit);
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

	line(c, x + PAD, y, x + position(c, c->most), y, THIN);
	for (tick = c->m->strategies ? 1 : 0.1; tick <= c->most * 1.001; tick *= 10) {
		double at = x + position(c, tick);

		line(c, at, y, at, y + 5, THIN);
		snprintf(text, sizeof(text), "%g%s", tick, c->unit);
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
	if (m->strategies)
		fprintf(c->out, "<text x='%d' y='48' class='axis'>%u seeds, at most %llu schedules each; scenarios %s",
			MARGIN, m->seeds, m->runs, m->scenarios);
	else
		fprintf(c->out, "<text x='%d' y='48' class='axis'>%u seeds, at most %g s each, %u vCPUs; storms ",
			MARGIN, m->seeds, m->budget, m->cpus);
	for (i = 0; !m->strategies && i < m->nr_storms; i++)
		fprintf(c->out, "%s%s", i ? ", " : "", m->storms[i]->name);
	fprintf(c->out, "%s</text>\n", m->interrupted ? " (interrupted)" : "");
}

void zoo_svg(FILE *out, const struct zoo_matrix *m)
{
	struct canvas c = { .out = out, .m = m, .least = 0.05, .unit = " s" };
	double bottom = HEAD + (double)m->nr_bugs * ROW_HEIGHT, x = MARGIN + BUG_WIDTH;
	unsigned int bug, i;
	char name[64];

	c.most = m->budget > 1 ? m->budget : 1;
	if (m->strategies) {
		c.least = 1;
		c.most = m->runs > 10 ? (double)m->runs : 10;
		c.unit = "";
	}
	draw_head(&c, x + m->nr_columns * CELL_WIDTH + MARGIN, bottom + FOOT);
	for (bug = 0; bug < m->nr_bugs; bug++)
		words(&c, MARGIN, HEAD + bug * ROW_HEIGHT + 25, "", m->bugs[bug]);
	words(&c, MARGIN, bottom + 18, "class='axis'", "dot: a seed that found it; bar: the median");
	for (i = 0; i < m->nr_columns; i++) {
		words(&c, x + PAD, HEAD - 10, "class='column'",
		      zoo_column_name(m, i, name, sizeof(name)));
		for (bug = 0; bug < m->nr_bugs; bug++)
			draw_cell(&c, bug, i, x, HEAD + bug * ROW_HEIGHT);
		draw_axis(&c, x, bottom + 2);
		x += CELL_WIDTH;
	}
	fprintf(out, "</svg>\n");
}

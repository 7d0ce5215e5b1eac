/* SPDX-License-Identifier: MIT */
/*
 * What `mmstorm explore --scaling' says: a table with a curve beside it, JSON lines, and
 * the curve as a picture on two logarithmic axes, with what perfect scaling would be.
 *
 * The picture is lines, dots and words; the figures are in the table as well.
 */
#include <math.h>

#include "stress/json.h"
#include "stress/scaling.h"

#define BAR_WIDTH	32

double scaling_rate(const struct scaling_point *p)
{
	return p->ns ? (double)p->ops * 1e9 / (double)p->ns : 0;
}

static double per_op(const struct scaling_point *p, u64 n)
{
	return p->ops ? (double)n / (double)p->ops : 0;
}

/* Times one vCPU's. */
static double speedup(const struct scaling *s, const struct scaling_point *p)
{
	double one = scaling_rate(&s->point[0]);

	return one > 0 ? scaling_rate(p) / one : 0;
}

static double highest(const struct scaling *s)
{
	double most = 0;

	for (unsigned int i = 0; i < s->nr; i++)
		most = fmax(most, scaling_rate(&s->point[i]));
	return most;
}

/* ---- text ---- */

static u32 constant(const struct scaling *s, const struct cost_constant *c)
{
	return *(const u32 *)((const char *)&s->model + c->offset);
}

void scaling_print_head(const struct scaling *s)
{
	printf("%s in virtual time: %s, %.0f us, seed 0x%llx\n", s->storm->name, s->who,
	       (double)s->span / 1000, s->seed);
	printf("a step costs what core/base/point.h says of its kind, and besides, in ns:\n");
	for (const struct cost_constant *c = cost_constants; c->name; c++)
		printf("  %-10s %8u  %s\n", c->name, constant(s, c),
		       constant(s, c) == c->ns ? c->source : "by option");
	printf("\n vCPUs   M ops/s  speedup   of linear   lines/op  waited  hand-overs/op  IPIs/op  wakes/op\n");
}

void scaling_print_point(const struct scaling *s, const struct scaling_point *p)
{
	const struct cost_counts *n = &p->counts;

	printf("%6u %9.3f %8.2f %10.1f%% %10.2f %6.0f%% %14.3f %8.3f %9.3f\n", p->cpus,
	       scaling_rate(p) * 1e-6, speedup(s, p), 100 * speedup(s, p) / p->cpus,
	       per_op(p, n->lines), n->lines ? 100.0 * (double)n->line_waits / (double)n->lines : 0,
	       per_op(p, n->hand_overs), per_op(p, n->ipis), per_op(p, n->wakes));
	fflush(stdout);
}

void scaling_print_curve(const struct scaling *s)
{
	double most = highest(s);

	printf("\n");
	for (unsigned int i = 0; i < s->nr; i++) {
		double rate = scaling_rate(&s->point[i]);
		int len = most > 0 ? (int)lround(rate / most * BAR_WIDTH) : 0;

		printf("%6u |%.*s %.3f M ops/s\n", s->point[i].cpus, len,
		       "################################", rate * 1e-6);
	}
}

/* ---- JSON ---- */

void scaling_write_json(FILE *file, const struct scaling *s)
{
	struct json j;

	json_begin(&j, file, "scaling");
	json_string(&j, "storm", s->storm->name);
	json_string(&j, "tasks", s->who);
	json_hex(&j, "seed", s->seed);
	json_u64(&j, "span_ns", s->span);
	json_open_object(&j, "cost_ns");
	for (const struct cost_constant *c = cost_constants; c->name; c++)
		json_u64(&j, c->name, constant(s, c));
	json_close(&j);
	json_open_array(&j, "points");
	for (unsigned int i = 0; i < s->nr; i++) {
		const struct scaling_point *p = &s->point[i];

		json_open_object(&j, NULL);
		json_u64(&j, "cpus", p->cpus);
		json_u64(&j, "processes", p->procs);
		json_u64(&j, "ops", p->ops);
		json_u64(&j, "ns", p->ns);
		json_double(&j, "ops_per_s", scaling_rate(p));
		json_double(&j, "speedup", speedup(s, p));
		json_u64(&j, "line_transfers", p->counts.lines);
		json_u64(&j, "line_waits", p->counts.line_waits);
		json_u64(&j, "hand_overs", p->counts.hand_overs);
		json_u64(&j, "ipis", p->counts.ipis);
		json_u64(&j, "wakes", p->counts.wakes);
		json_close(&j);
	}
	json_end(&j);
}

/* ---- the picture ---- */

#define WIDTH		560
#define HEIGHT		400
#define LEFT		78
#define TOP		62
#define RIGHT		20
#define BOTTOM		52

struct canvas {
	FILE			*out;
	const struct scaling	*s;
	double			low, high;	/* powers of ten, ops a second */
};

static double x_of(const struct canvas *c, double cpus)
{
	double last = log2(c->s->point[c->s->nr - 1].cpus);

	return LEFT + (last > 0 ? log2(cpus) / last : 0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct canvas *c, double rate)
{
	double share = (log10(fmax(rate, 1)) - c->low) / (c->high - c->low);

	return HEIGHT - BOTTOM - fmin(fmax(share, 0), 1) * (HEIGHT - TOP - BOTTOM);
}

static void words(const struct canvas *c, double x, double y, const char *style, const char *text)
{
	fprintf(c->out, "<text x='%.1f' y='%.1f' %s>%s</text>\n", x, y, style, text);
}

static void draw_axes(const struct canvas *c)
{
	char text[48];

	for (double power = c->low; power <= c->high; power++) {
		double y = y_of(c, pow(10, power));

		fprintf(c->out, "<path d='M%d %.1f H%d' stroke='#ddd'/>\n", LEFT, y, WIDTH - RIGHT);
		snprintf(text, sizeof(text), "%g M/s", pow(10, power - 6));
		words(c, LEFT - 6, y + 4, "class='axis' text-anchor='end'", text);
	}
	for (unsigned int i = 0; i < c->s->nr; i++) {
		snprintf(text, sizeof(text), "%u", c->s->point[i].cpus);
		words(c, x_of(c, c->s->point[i].cpus), HEIGHT - BOTTOM + 18,
		      "class='axis' text-anchor='middle'", text);
	}
	words(c, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "class='axis' text-anchor='middle'",
	      "vCPUs");
}

static void draw_curve(const struct canvas *c)
{
	const struct scaling *s = c->s;
	double one = scaling_rate(&s->point[0]);

	fprintf(c->out, "<path fill='none' stroke='#999' stroke-dasharray='4 4' d='");
	for (unsigned int i = 0; i < s->nr; i++)
		fprintf(c->out, "%c%.1f %.1f ", i ? 'L' : 'M', x_of(c, s->point[i].cpus),
			y_of(c, one * s->point[i].cpus));
	fprintf(c->out, "'/>\n<path fill='none' stroke='#1d4f7a' stroke-width='2' d='");
	for (unsigned int i = 0; i < s->nr; i++)
		fprintf(c->out, "%c%.1f %.1f ", i ? 'L' : 'M', x_of(c, s->point[i].cpus),
			y_of(c, scaling_rate(&s->point[i])));
	fprintf(c->out, "'/>\n");
	for (unsigned int i = 0; i < s->nr; i++)
		fprintf(c->out, "<circle cx='%.1f' cy='%.1f' r='3.5' fill='#1d4f7a'/>\n",
			x_of(c, s->point[i].cpus), y_of(c, scaling_rate(&s->point[i])));
}

void scaling_write_svg(FILE *file, const struct scaling *s)
{
	double one = fmax(scaling_rate(&s->point[0]), 1), low = one;
	struct canvas c = { .out = file, .s = s };
	char text[200];

	for (unsigned int i = 0; i < s->nr; i++)
		low = fmin(low, fmax(scaling_rate(&s->point[i]), 1));
	c.low = floor(log10(low));
	c.high = fmax(ceil(log10(one * s->point[s->nr - 1].cpus)), c.low + 1);
	fprintf(file, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n"
		"<style>text{font:13px DejaVu Sans,Verdana,sans-serif;fill:#222}"
		".big{font-size:16px;font-weight:bold}.axis{font-size:11px;fill:#555}</style>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	snprintf(text, sizeof(text), "%s: ops a virtual second", s->storm->name);
	words(&c, 16, 26, "class='big'", text);
	snprintf(text, sizeof(text), "%s; line %u, hand-over %u, IPI %u, wake %u ns; dashed: linear",
		 s->who, s->model.line, s->model.hand_over, s->model.ipi, s->model.wake);
	words(&c, 16, 45, "class='axis'", text);
	draw_axes(&c);
	draw_curve(&c);
	fprintf(file, "</svg>\n");
}

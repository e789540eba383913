# A line chart as SVG. Input: lines of NAME COLOR X Y separated by tabs, points
# of a line in ascending X, lines of one name share its entry in the legend.
# A line with the name alone begins a new one. Variables: title, format (of Y),
# ylabel, xlabel.
function px(x) { return left + (x1 > x0 ? (x - x0) / (x1 - x0) : .5) * w }
function py(y) { return top + h - (y - y0) / (y1 - y0) * h }
# The smallest of 1, 2, 5 times a power of ten that cuts range into at most n.
function tick(range, n,    t) {
	t = 10 ^ int(log(range) / log(10) - 2)
	while (range / t > n) {
		if (range / (2 * t) <= n)
			return 2 * t
		if (range / (5 * t) <= n)
			return 5 * t
		t *= 10
	}
	return t
}
BEGIN { FS = "\t"; left = 56; top = 30; w = 420; h = 260; count = 0 }
NF == 1 { count++; next }
{
	if (count == 0)
		count = 1
	name[count] = $1
	color[count] = $2
	k = ++points[count]
	x[count, k] = $3
	y[count, k] = $4
	if (!n++) {
		x0 = x1 = $3
		y0 = y1 = $4
	}
	x0 = $3 < x0 ? $3 : x0
	x1 = $3 > x1 ? $3 : x1
	y0 = $4 < y0 ? $4 : y0
	y1 = $4 > y1 ? $4 : y1
}
END {
	if (!n)
		exit
	step = tick(y1 > y0 ? y1 - y0 : 1e-3, 6)
	y0 = step * (int(y0 / step) - (y0 == step * int(y0 / step)))
	y1 = step * (int(y1 / step) + 1)
	printf "<svg width=\"%d\" height=\"%d\" role=\"img\" " \
	    "aria-label=\"%s\">\n", left + w + 180, top + h + 44, title
	printf "<text x=\"%d\" y=\"16\" class=\"t\">%s</text>\n", left, title
	for (v = y0; v <= y1 + step / 2; v += step)
		printf "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" " \
		    "stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" " \
		    "text-anchor=\"end\">" format "</text>\n", left, left + w,
		    py(v), py(v), left - 6, py(v) + 4, v
	for (v = x0; v <= x1; v++)
		printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d" \
		    "</text>\n", px(v), top + h + 18, v
	printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
	    left + w / 2, top + h + 36, xlabel
	for (s = 1; s <= count; s++) {
		if (!points[s])
			continue
		printf "<polyline fill=\"none\" stroke=\"%s\" " \
		    "stroke-width=\"2\" points=\"", color[s]
		for (k = 1; k <= points[s]; k++)
			printf "%.1f,%.1f ", px(x[s, k]), py(y[s, k])
		print "\"/>"
		for (k = 1; k <= points[s]; k++)
			printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" " \
			    "fill=\"%s\"><title>%s, %g: " format \
			    "</title></circle>\n", px(x[s, k]), py(y[s, k]),
			    color[s], name[s], x[s, k], y[s, k]
		if (name[s] in seen)
			continue
		seen[name[s]] = 1
		at = top + 18 * legend++
		printf "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" " \
		    "fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
		    left + w + 16, at + 4, color[s], left + w + 36, at + 10,
		    name[s]
	}
	print "</svg>"
}

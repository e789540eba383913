# awk -f check.awk TEST OUTPUT: holds the CHECK lines of TEST against OUTPUT.
#   CHECK:        the text occurs, after what was matched before
#   CHECK-NEXT:   ... on the line after that one
#   CHECK-SAME:   ... further on in the same line
#   CHECK-NOT:    ... does not occur up to the next match, or the end
#   CHECK-LABEL:  ... splits the output: lines between two labels cannot match
#                 beyond the second
# {{...}} in the text is a regular expression; blanks match any blanks.

function literal(s,    i, c, r) {
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\" || c == "^")
			r = r "\\" c
		else if (index("[](){}.*+?|$/", c) > 0)
			r = r "[" c "]"
		else
			r = r c
	}
	gsub(/[ \t]+/, "[ \t]+", r)
	return r
}

function pattern(s,    r, i, j) {
	while ((i = index(s, "{{")) > 0) {
		r = r literal(substr(s, 1, i - 1))
		s = substr(s, i + 2)
		j = index(s, "}}")
		if (j == 0)
			fail("{{ without }}")
		r = r "(" substr(s, 1, j - 1) ")"
		s = substr(s, j + 2)
	}
	return r literal(s)
}

function fail(text) {
	print test ":" at[n] ": " text ": CHECK" kind[n] ": " want[n]
	if (line > 0 && line <= lines)
		print "  from here, line " line ": " substr(out[line], col)
	failed = 1
	exit 1
}

# Looks for re from (l, c) to line last; on success sets line, col behind the
# match and start_col at its begin.
function find(re, l, c, last) {
	for (; l <= last; l++) {
		if (match(substr(out[l], c), re)) {
			line = l
			start_col = c + RSTART - 1
			col = start_col + RLENGTH
			return 1
		}
		c = 1
	}
	return 0
}

# None of the CHECK-NOTs since the last match may occur between it and here.
function check_nots(l, c, last, last_col,    i, text, from) {
	for (i = first_not; i < n; i++) {
		for (from = l; from <= last; from++) {
			text = out[from]
			if (from == last && last_col >= 0)
				text = substr(text, 1, last_col - 1)
			if (from == l)
				text = substr(text, c)
			if (match(text, re_of[i])) {
				line = from
				col = 1
				n = i
				fail("found")
			}
		}
	}
}

# The line where the next label matches is the limit of this block.
function limit_from(i, l, c,    sl, sc, ss, r) {
	for (; i <= checks; i++) {
		if (kind[i] != "-LABEL")
			continue
		sl = line
		sc = col
		ss = start_col
		r = find(re_of[i], l, c, lines) ? line - 1 : lines
		line = sl
		col = sc
		start_col = ss
		return r
	}
	return lines
}

NR == FNR {
	test = FILENAME
	if (match($0, /CHECK(-[A-Z]+)?:/) &&
	    substr($0, 1, RSTART - 1) !~ /[A-Za-z]/) {
		checks++
		kind[checks] = substr($0, RSTART + 5, RLENGTH - 6)
		at[checks] = FNR
		text = substr($0, RSTART + RLENGTH)
		gsub(/^[ \t]+|[ \t\r]+$/, "", text)
		want[checks] = text
	}
	next
}

{ out[FNR] = $0; lines = FNR }

END {
	if (failed)
		exit 1
	for (n = 1; n <= checks; n++) {
		if (kind[n] !~ /^(|-NEXT|-SAME|-NOT|-LABEL)$/)
			fail("unknown directive")
		if (want[n] == "")
			fail("nothing to look for")
		re_of[n] = pattern(want[n])
	}
	line = 1
	col = 1
	first_not = 1
	limit = limit_from(1, 1, 1)
	matched = 0
	for (n = 1; n <= checks; n++) {
		if (kind[n] == "-NOT")
			continue
		l = line
		c = col
		if (kind[n] == "-LABEL") {
			if (!find(re_of[n], l, c, lines))
				fail("not found")
			limit = limit_from(n + 1, line, col)
		} else if (kind[n] == "-NEXT") {
			if (!matched)
				fail("needs a match before it")
			if (l + 1 > limit || !find(re_of[n], l + 1, 1, l + 1))
				fail("not found on the next line")
		} else if (kind[n] == "-SAME") {
			if (!matched)
				fail("needs a match before it")
			if (!find(re_of[n], l, c, l))
				fail("not found on the same line")
		} else if (!find(re_of[n], l, c, limit))
			fail("not found")
		check_nots(l, c, line, start_col)
		first_not = n + 1
		matched = 1
	}
	check_nots(line, col, lines, -1)
}

# awk -f layers.awk layers.txt SOURCES...: prints each include that the rules
# of layers.txt do not allow, as FILE:LINE: text. Exit status 1 if any.

function complain(text) {
	print FILENAME ":" FNR ": " text
	bad = 1
}

# The longest listed folder that holds path, or "".
function folder_of(path,    d) {
	for (d = path; sub(/\/[^\/]*$/, "", d);)
		if (d in may)
			return d
	return ""
}

function check(from, name,    to) {
	if (name == "onnx/onnx.pb-c.h")
		to = "onnx"
	else if (name ~ /^wave\//)
		to = "wave"
	else if (name !~ /\// || name ~ /(^|\/)\.\.?\//) {
		complain("\"" name "\": paths start at the root")
		return
	} else
		to = folder_of(name)
	if (to == "")
		complain("\"" name "\" is in no folder of layers.txt")
	else if (to != from && may[from] != " * " &&
	    index(may["all"], " " to " ") == 0 &&
	    index(may[from], " " to " ") == 0 &&
	    !(from == "include/wave" && to == "wave"))
		complain(from " may not include " name)
}

NR == FNR {
	sub(/#.*/, "")
	if (NF == 0)
		next
	key = $1
	sub(/:$/, "", key)
	$1 = ""
	$0 = $0 " "
	gsub(/[ \t]+/, " ")
	may[key] = $0
	next
}

FNR == 1 {
	from = folder_of(FILENAME)
	if (from == "")
		complain(FILENAME " is in no folder of layers.txt")
}

/^[ \t]*#[ \t]*include[ \t]*("|<wave\/)/ {
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*/, "", name)
	if (from != "")
		check(from, name)
}

END { exit bad }

# Sourced by mbs.sh: what is beside the main table. Memories, buffers,
# unlimited bandwidth, optimal for least time, the state and data gradients that Wave prefers,
# constants halved and doubled.

memories="wavecore-hbm2x2 wavecore-gddr5 wavecore-lpddr4"
buffers="5 20 30 40"
# KEY=VALUE of the target file, halved and doubled
constants="vector_lanes_16=512 vector_bw=714 pj_mac_16=2.0 pj_gbuf_byte=12.5
pj_lbuf_byte=2.5 pj_dram_byte=31.2 pj_vector_op=4.6 static_w=10"
sensitive="resnet50 inception_v3"

scaled() { # KEY=VALUE FACTOR
	awk -v c="$1" -v f="$2" 'BEGIN { split(c, a, "=")
		printf "-m%s=%g\n", a[1], a[2] * f }'
}

more_runs() {
	local net how m c f
	for net in $deep; do
		for how in baseline mbs2 optimal; do
			for m in $memories; do
				run "$net" $how "$m" main
			done
			run "$net" $how wavecore mixed -fstate=mixed \
			    -fdgrad=phase
		done
		run "$net" optimal wavecore time -fmbs-objective=time
		run "$net" mbs2 wavecore first -fpartial-k=first
		run "$net" mbs2 wavecore overlap -fpartial-k=first -foverlap
	done
	for how in archopt il fs mbs1; do
		for m in $memories; do
			run resnet50 $how "$m" main
		done
	done
	for net in $nets; do
		for how in baseline archopt fs mbs2 optimal; do
			run "$net" $how wavecore free -mdram_bw=0
		done
	done
	for how in il fs mbs1 mbs2 optimal; do
		for m in $buffers; do
			run resnet50 $how wavecore "${m}MiB" \
			    -mgbuf_bytes="${m}MiB"
		done
	done
	for net in $sensitive; do
		for c in $constants; do
			for f in 0.5 2; do
				for how in baseline mbs2; do
					run "$net" $how wavecore \
					    "${c%=*}x$f" "$(scaled "$c" $f)"
				done
			done
		done
	done
}

# ---- the text ----

# ratio A B: A / B
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) print a / b }'; }

# against COLUMN "NET VARIANT MARCH TAG" "NET VARIANT MARCH TAG": the same of
# two results
# shellcheck disable=SC2086
against() { ratio "$(get $2 "$1")" "$(get $3 "$1")"; }

energy_text() {
	local net how c f
	echo "Energy of a step in mJ, by component"
	printf '%-13s %-9s' '' ''
	printf ' %7s' mac lbuf gbuf dram vector link static total
	echo
	for net in $nets; do
		for how in baseline mbs2 optimal; do
			f=$dir/$net.$how.wavecore.main.json
			[ -e "$f" ] || continue
			printf '%-13s %-9s' "$net" $how
			for c in mac lbuf gbuf dram vector link static total; do
				awk -v x="$(key "$f" $c energy_j)" \
				    'BEGIN { printf " %7.1f", 1000 * x }'
			done
			echo
		done
	done
}

memory_text() {
	local net how m
	echo "Memories: ms a step (paper: MBS2 nearly flat; MBS2 on LPDDR4"
	echo "faster than the baseline on HBM2)"
	printf '%-13s %-9s %8s' '' '' HBM2
	printf ' %8s' HBM2x2 GDDR5 LPDDR4
	echo
	for net in $deep; do
		for how in $variants; do
			[ -n "$(get "$net" $how wavecore-lpddr4 main 1)" ] ||
			    continue
			printf '%-13s %-9s' "$net" $how
			for m in wavecore $memories; do
				awk -v x="$(get "$net" $how "$m" main 5)" \
				    'BEGIN { printf " %8.1f", 1000 * x }'
			done
			echo
		done
	done
}

buffer_text() {
	local how t b
	echo "Buffer of a group, ResNet-50: share of the traffic of the baseline"
	echo "at 10 MiB, and ms a step"
	echo "(derived: il .995 .966 .904 .805 .780; fs .62 .41 .30 .27 .24;"
	echo "mbs1 .47 .44 .42 .41 .41; mbs2 .29 .25 .225 .22 .21)"
	b=$(get resnet50 baseline wavecore main 2)
	printf '%-9s' ''
	printf ' %14s' '5 MiB' '10 MiB' '20 MiB' '30 MiB' '40 MiB'
	echo
	for how in il fs mbs1 mbs2 optimal; do
		printf '%-9s' $how
		for t in 5MiB main 20MiB 30MiB 40MiB; do
			awk -v x="$(get resnet50 $how wavecore $t 2)" \
			    -v c="$(get resnet50 $how wavecore $t 5)" \
			    -v b="$b" 'BEGIN {
			    printf "   %.3f  %6.1f", x / b, 1000 * c }'
		done
		echo
	done
}

# mean utilization without a limit of bandwidth over all nets
free_mean() { # VARIANT
	for net in $nets; do
		get "$net" "$1" wavecore free 4
	done | awk '{ s += $1 } END { if (NR) print s / NR }'
}

free_text() {
	local net how
	echo "Utilization of the array with the paper's products and unlimited"
	echo "bandwidth, % (derived means: baseline 52, archopt 77, fs 66, mbs2 76;"
	echo "recalled: 54, 81, 67, 79)"
	printf '%-13s' ''
	printf ' %8s' baseline archopt fs mbs2 optimal bound
	echo ' (of whole tiles)'
	for net in $nets; do
		printf '%-13s' "$net"
		for how in baseline archopt fs mbs2 optimal; do
			awk -v x="$(get "$net" $how wavecore free 4)" \
			    'BEGIN { printf " %8.1f", 100 * x }'
		done
		awk -v x="$(get "$net" optimal wavecore free 8)" \
		    'BEGIN { printf " %8.1f\n", 100 * x }'
	done
	printf '%-13s' mean
	for how in baseline archopt fs mbs2 optimal; do
		awk -v x="$(free_mean $how)" 'BEGIN { printf " %8.1f", 100 * x }'
	done
	echo
}

time_text() {
	local net how tag to
	echo "optimal for least traffic and for least time, against mbs2 and"
	echo "against mbs2 with -fpartial-k=first -foverlap"
	for net in $deep; do
		for how in traffic:main:main time:time:main \
		    traffic:main:overlap time:time:overlap; do
			to=${how##*:} how=${how%:*}
			tag=${how#*:}
			awk -v net="$net" -v n="${how%:*}" -v to="$to" \
			    -v b="$(get "$net" optimal wavecore "$tag" 2)" \
			    -v c="$(get "$net" mbs2 wavecore "$to" 2)" \
			    -v t="$(get "$net" optimal wavecore "$tag" 5)" \
			    -v u="$(get "$net" mbs2 wavecore "$to" 5)" \
			    -v e="$(get "$net" optimal wavecore "$tag" 3)" \
			    -v f="$(get "$net" mbs2 wavecore "$to" 3)" \
			    'BEGIN { if (c > 0) printf "%-13s %-8s bytes " \
			    "%+5.1f %%  time %+5.1f %%  energy %+5.1f %%%s\n",
			    net, n, 100 * (b / c - 1), 100 * (t / u - 1),
			    100 * (e / f - 1),
			    to == "main" ? "" : "  (mbs2 with overlap)" }'
		done
	done
}

mixed_text() {
	local net how
	echo "With -fstate=mixed -fdgrad=phase: GB and ms a step, against the"
	echo "baseline of the same options"
	for net in $deep; do
		for how in baseline mbs2 optimal; do
			awk -v net="$net" -v how=$how \
			    -v x="$(get "$net" $how wavecore mixed 2)" \
			    -v t="$(get "$net" $how wavecore mixed 5)" \
			    -v b="$(get "$net" baseline wavecore mixed 2)" \
			    -v u="$(get "$net" baseline wavecore mixed 5)" \
			    'BEGIN { if (x > 0 && b > 0) printf "%-13s %-9s " \
			    "%6.2f GB %.3f  %6.1f ms %+.1f %%\n", net, how,
			    x / 1e9, x / b, 1000 * t, 100 * (u / t - 1) }'
		done
	done
}

sensitivity_text() {
	local net c f
	echo "Sensitivity: speed of mbs2 over the baseline and energy against it,"
	echo "with a constant of the target file halved and doubled"
	for net in $sensitive; do
		for c in none=0 $constants; do
			printf '%-13s %-16s' "$net" "${c%=*}"
			for f in 0.5 2; do
				t=${c%=*}x$f
				if [ "$c" = none=0 ]; then
					[ $f = 2 ] && continue
					t=main
				fi
				awk -v a="$(get "$net" baseline wavecore "$t" 5)" \
				    -v b="$(get "$net" mbs2 wavecore "$t" 5)" \
				    -v e="$(get "$net" baseline wavecore "$t" 3)" \
				    -v d="$(get "$net" mbs2 wavecore "$t" 3)" \
				    -v t="$t" -v f=$f 'BEGIN {
				    if (t == "main")
					f = 1
				    if (b > 0 && e > 0)
					printf "   x%-3s %+5.1f %% %+5.1f %%",
					    f, 100 * (a / b - 1),
					    100 * (d / e - 1) }'
			done
			echo
		done
	done
}

more_text() {
	for part in energy memory buffer free time mixed sensitivity; do
		echo
		${part}_text
	done
}

# ---- bounds ----

# no_more TEXT COLUMN RESULT RESULT: of the first than of the second
no_more() {
	bound "$1" "$(against "$2" "$3" "$4")" 0 1
}

# near_derived NET VARIANT SHARE WORDS: to what the paper's rules give
near_derived() {
	bound "$1: share of $2, $4, less the derived" \
	    "$(awk -v x="$3" -v d="$(derived "$1" "$2")" \
	    'BEGIN { print x - d }')" -0.03 0.03
}

shares() { # NET
	local how
	for how in il fs mbs1 mbs2; do
		near_derived "$1" $how "$(share "$1" $how alone)" \
		    'one group alone'
		near_derived "$1" $how "$(whole "$1" $how)" \
		    'the chip with the whole update'
		near_derived "$1" $how "$(share "$1" $how main)" 'the chip'
	done
}

net_bounds() { # NET
	local net=$1 how a b
	local optimal="$net optimal wavecore" mbs2="$net mbs2 wavecore"
	shares "$net"
	for how in $variants; do
		bound "$net: bytes of $how against the model" \
		    "$(awk -v x="$(get "$net" $how wavecore main 2)" \
		    -v b="$(get "$net" $how wavecore main 6)" \
		    'BEGIN { print x / 2 / b }')" 0.99 1.01
	done
	for how in archopt:baseline il:archopt fs:il mbs1:il mbs2:mbs1; do
		a=${how%:*} b=${how#*:}
		no_more "$net: time of $a against $b" 5 \
		    "$net $a wavecore main" "$net $b wavecore main"
	done
	for how in bytes:2 time:5 energy:3; do
		no_more "$net: ${how%:*} of optimal against mbs2" "${how#*:}" \
		    "$optimal main" "$mbs2 main"
	done
	bound "$net: bytes of optimal against its lower bound" \
	    "$(awk -v x="$(get "$net" optimal wavecore main 2)" \
	    -v b="$(get "$net" optimal wavecore main 7)" \
	    'BEGIN { print x / 2 / b }')" 0 1.15
}

deep_bounds() { # NET
	local net=$1 m
	local optimal="$net optimal wavecore" mbs2="$net mbs2 wavecore"
	no_more "$net: mbs2 on LPDDR4 against the baseline on HBM2, time" 5 \
	    "$mbs2-lpddr4 main" "$net baseline wavecore main"
	bound "$net: mbs2 on LPDDR4 against HBM2x2, time" \
	    "$(against 5 "$mbs2-lpddr4 main" "$mbs2-hbm2x2 main")" 0 1.15
	for m in $memories; do
		no_more "$net: time of optimal against mbs2, ${m#*-}" 5 \
		    "$net optimal $m main" "$net mbs2 $m main"
	done
	no_more "$net: time of optimal against mbs2 in its order of waves" 5 \
	    "$optimal main" "$mbs2 first"
	no_more "$net: time of optimal for time against the same" 5 \
	    "$optimal time" "$mbs2 first"
	no_more "$net: time of optimal against mbs2, mixed" 5 \
	    "$optimal mixed" "$mbs2 mixed"
	no_more "$net: time of optimal for time against mbs2" 5 \
	    "$optimal time" "$mbs2 main"
	no_more "$net: energy of optimal for time against mbs2" 3 \
	    "$optimal time" "$mbs2 main"
}

more_bounds() {
	local net how m
	for how in baseline:.52 archopt:.77 fs:.66 mbs2:.76; do
		bound "mean utilization of ${how%:*} less the derived ${how#*:}" \
		    "$(awk -v x="$(free_mean "${how%:*}")" -v d="${how#*:}" \
		    'BEGIN { print x - d }')" -0.04 0.04
	done
	for net in $nets; do
		net_bounds "$net"
	done
	bound "resnet50: utilization of optimal against the bound of tiles" \
	    "$(ratio "$(get resnet50 optimal wavecore free 4)" \
	    "$(get resnet50 optimal wavecore free 8)")" 0.98 1
	for net in $deep; do
		deep_bounds "$net"
	done
	for m in $buffers; do
		no_more "resnet50: time of optimal against mbs2, $m MiB" 5 \
		    "resnet50 optimal wavecore ${m}MiB" \
		    "resnet50 mbs2 wavecore ${m}MiB"
	done
	for how in bytes:2 time:5; do
		no_more "resnet50: mbs2 at 5 MiB against il at 40 MiB, ${how%:*}" \
		    "${how#*:}" "resnet50 mbs2 wavecore 5MiB" \
		    "resnet50 il wavecore 40MiB"
	done
	for how in main alone; do
		groups_bound $how
	done
}

# The groups of MBS1 on ResNet-50 are those of the paper's example.
groups_bound() { # TAG
	local log=$dir/resnet50.mbs1.wavecore.$1.log n
	n=$(sed -n 's/.*mbs: group [0-9]*: .*, \([0-9x +]*\) samples.*/\1/p' \
	    "$log" | tr '\n' ';')
	bound "ResNet-50, $1: groups of mbs1 are 10 x 3 + 2; 5 x 6 + 2; 2 x 11 + 10;\
 2 x 16 (here $n)" "$(case $n in
	    '10 x 3 + 2;5 x 6 + 2;2 x 11 + 10;2 x 16;') echo 1 ;;
	    *) echo 0 ;;
	    esac)" 1 1
}

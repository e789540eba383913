#!/bin/sh
# SCALE-Sim's cycles of ResNet-50, layer by layer, from executed programs.
set -u
: "${OBJ:=build/opt}" "${SHARED:=../shared}"
peers=$SHARED/assets/peers
if [ -d "$peers" ]; then
	"$OBJ/tests/conformance/scalesim" "$peers/Resnet50.csv" \
	    "$peers/scalesim_resnet50_128x128_ws.csv"
else
	"$OBJ/tests/conformance/scalesim"
	echo "skip SCALE-Sim's files: no $SHARED"
fi

#!/usr/bin/env bash
# Microsoft.Data.Analysis 0.23.1: a null passes a comparison with a positive bound, and a filter keeps its row.
# In SQL and pandas a comparison with a missing value is not true.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.Data.Analysis@0.23.1
using Microsoft.Data.Analysis;
var loss = new DoubleDataFrameColumn("loss", new double?[] { 0.2, null, 0.9 });
var frame = new DataFrame(new StringDataFrameColumn("cell", new[] { "good", "failed", "bad" }), loss);
string Mask(DataFrameColumn mask) => string.Join(" ", mask.Cast<object>());
Console.WriteLine("loss < 0.5:   " + Mask(loss.ElementwiseLessThan(0.5)));
Console.WriteLine("loss <= 0.5:  " + Mask(loss.ElementwiseLessThanOrEqual(0.5)));
Console.WriteLine("kept: " + string.Join(" ", frame.Filter(loss.ElementwiseLessThan(0.5))["cell"].Cast<object>()));
CS
expect <<'OUT'
loss < 0.5:   True True False
loss <= 0.5:  True True False
kept: good failed
OUT

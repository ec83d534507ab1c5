#!/usr/bin/env bash
# Microsoft.Data.Analysis 0.23.1: in a group, Min, Max and Product take a null for 0; of a whole column they leave it out.
# Description divides the sum by all rows and says beside it that nulls are not counted.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.Data.Analysis@0.23.1
using System.Globalization;
using Microsoft.Data.Analysis;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var loss = new DoubleDataFrameColumn("loss", new double?[] { 0.5, 0.25, null });
var frame = new DataFrame(new StringDataFrameColumn("arm", new[] { "a", "a", "a" }), loss, new DoubleDataFrameColumn("log", new double?[] { -3, -5, null }));
GroupBy arms = frame.GroupBy("arm");
Console.WriteLine($"column: min {loss.Min()}, max of logarithms {frame["log"].Max()}, product {loss.Product()}, mean {loss.Mean()}");
Console.WriteLine($"group:  min {arms.Min("loss")[0, 1]}, max of logarithms {arms.Max("log")[0, 1]}, product {arms.Product("loss")[0, 1]}");
DataFrame described = new DataFrame(loss).Description();
Console.WriteLine("described: " + string.Join(", ", described.Rows.Select(r => $"{r[0]} {r[1]}")));
CS
expect <<'OUT'
column: min 0.25, max of logarithms -3, product 0.125, mean 0.375
group:  min 0, max of logarithms 0, product 0
described: Length (excluding null values) 2, Max 0.5, Min 0.25, Mean 0.25
OUT

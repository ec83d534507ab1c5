#!/usr/bin/env bash
# Microsoft.Data.Analysis 0.23.1: Merge with JoinAlgorithm.Left drops left rows whose key is null when the right frame has
# no null key, and keeps them when it has one. FullOuter drops them too. A left join keeps every left row.
. "$(dirname "$0")/support.sh"
build <<'CS'
#:package Microsoft.Data.Analysis@0.23.1
using Microsoft.Data.Analysis;
DataFrame Left() => new(new StringDataFrameColumn("key", new[] { "a", null, "c" }), new Int32DataFrameColumn("left", new[] { 1, 2, 3 }));
DataFrame Right(string? second) => new(new StringDataFrameColumn("key", new[] { "a", second }), new Int32DataFrameColumn("right", new[] { 9, 8 }));
string Kept(string? second, JoinAlgorithm how) =>
    string.Join(" ", Left().Merge(Right(second), ["key"], ["key"], joinAlgorithm: how)["left"].Cast<object?>().Select(v => v ?? "null"));
Console.WriteLine("left merge, right without null:       " + Kept("z", JoinAlgorithm.Left));
Console.WriteLine("left merge, right with null:          " + Kept(null, JoinAlgorithm.Left));
Console.WriteLine("full outer merge, right without null: " + Kept("z", JoinAlgorithm.FullOuter));
CS
expect <<'OUT'
left merge, right without null:       1 3
left merge, right with null:          1 2 3
full outer merge, right without null: 1 3 null
OUT

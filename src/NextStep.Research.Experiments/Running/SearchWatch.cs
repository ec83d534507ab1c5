namespace NextStep.Research.Experiments;

/// <summary>Follows the search of a run folder; what is over is read once.</summary>
internal sealed class SearchWatch(RunFolder folder, Plan plan)
{
    private readonly Dictionary<string, SearchOutcome> _over = [];
    private int _decided = -1;

    /// <summary>Where it stands now; null where the plan has no rungs. A rung that was decided since the last look is noted in the folder.</summary>
    /// <exception cref="InvalidDataException">A result is damaged.</exception>
    public SearchState? Look()
    {
        if (SearchState.Of(plan, Outcome) is not { } state)
        {
            return null;
        }
        int decided = state.Rungs.Count(r => r.Decided);
        if (decided > 0 && decided != _decided)
        {
            RunFolder.Write(Path.Combine(folder.Path, SearchState.FileName), state); // by whoever sees it: all write the same
        }
        _decided = decided;
        return state;
    }

    /// <summary>Where the search of a folder stands, without noting it.</summary>
    /// <exception cref="InvalidDataException">A result is damaged.</exception>
    public static SearchState? Read(RunFolder folder, Plan plan) => SearchState.Of(plan, new SearchWatch(folder, plan).Outcome);

    private SearchOutcome? Outcome(PlannedCell cell)
    {
        if (!_over.TryGetValue(cell.Key, out SearchOutcome? known))
        {
            known = folder.ReadResult(cell) is { } result ? new SearchOutcome(result.Metrics.TryGetValue(plan.Search!.Metric, out double value) ? value : null)
                : folder.ReadFailure(cell) is not null ? new SearchOutcome(null) : null;
            if (known is not null)
            {
                _over.Add(cell.Key, known);
            }
        }
        return known;
    }
}

namespace ReadStateStream.Simulation.Snapshots;

/// <summary>How the snapshot store treats calls at present.</summary>
internal enum Weather { Fair, Away, Slow, Flaky }

/// <summary>A call that is on its way until it is let go.</summary>
internal sealed record HeldCall(string Name, ProcessLife Caller, Action Go);

/// <summary>What becomes of the calls to the snapshot store; one for all owners of a run.</summary>
internal sealed class SnapshotWeather(Random random)
{
    private readonly List<HeldCall> held = [];

    public Weather Now { get; set; }

    public IReadOnlyList<HeldCall> Held => held;

    public CallEnd Decide() => Now switch
    {
        Weather.Away => CallEnd.Fail,
        Weather.Slow => random.Next(2) == 0 ? CallEnd.Hold : CallEnd.Serve,
        Weather.Flaky => random.Next(6) switch { 0 => CallEnd.Fail, 1 => CallEnd.LoseAnswer, _ => CallEnd.Serve },
        _ => CallEnd.Serve,
    };

    /// <summary>Rows after which a long read breaks off; none in fair weather.</summary>
    public int RowsUntilBreak() => Now is Weather.Flaky or Weather.Slow && random.Next(2) == 0 ? random.Next(1, 60) : int.MaxValue;

    public void Hold(HeldCall call) => held.Add(call);

    /// <summary>Lets one of the held calls go.</summary>
    public void Release(int index)
    {
        var call = held[index];
        held.RemoveAt(index);
        call.Go();
    }

    /// <summary>Held calls of those who are dead never arrive.</summary>
    public void Forget() => held.RemoveAll(static call => call.Caller.IsDead);
}

/// <summary>How a call ends.</summary>
internal enum CallEnd { Serve, Fail, LoseAnswer, Hold }

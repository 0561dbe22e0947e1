using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Simulation;

/// <summary>A clock that the scheduler moves; timers fire on its thread, in the order of their time.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly PriorityQueue<Timer, (long At, long Number)> timers = new();
    private long now = DateTimeOffset.FromUnixTimeMilliseconds(GeneratedLog.AppendedUnixMs).UtcTicks;
    private long created;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(now, TimeSpan.Zero);

    public override long GetTimestamp() => now;

    public void Advance(TimeSpan by)
    {
        var until = now + by.Ticks;
        while (timers.TryPeek(out var next, out var due) && due.At <= until)
        {
            timers.Dequeue();
            now = Math.Max(now, due.At);
            next.Fire(due.Number);
        }
        now = until;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        private long valid = -1;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            valid = -1;
            if (dueTime < TimeSpan.Zero) return true;
            valid = ++time.created;
            time.timers.Enqueue(this, (time.now + dueTime.Ticks, valid));
            return true;
        }

        public void Fire(long number)
        {
            if (number != valid) return;
            valid = -1;
            callback(state);
        }

        public void Dispose() => valid = -1;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

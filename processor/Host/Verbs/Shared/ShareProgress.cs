namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Work that says which share of it is done, 0 .. 1, on a thread of its own.</summary>
internal static class ShareProgress
{
    private const int Steps = 1_000;

    /// <summary>Does it.</summary>
    public static Task<T> RunAsync<T>(VerbSurroundings around, string title, Func<Action<double>, T> work) =>
        WorkProgress.RunAsync(around, title, Steps, "parts", more => Task.Run(() =>
        {
            var said = 0L;
            return work(share =>
            {
                var now = (long)(share * Steps);
                if (now <= said) return;
                more(now - said);
                said = now;
            });
        }));
}

namespace ReadStateStream.Fold;

/// <summary>The part of the policy that changes what is stored; it belongs to the lineage.</summary>
/// <param name="OwnSendAcks">Sending reads up to the message.</param>
/// <param name="WebhookIsOwn">A message posted by an integration under one's name is one's own.</param>
/// <param name="SeparateThreads">Each thread has a pointer of its own.</param>
/// <param name="CountKinds">Bit n: message kind n counts.</param>
/// <param name="Window">Newest ids counted, a channel.</param>
/// <param name="WaitingLimit">Edits and deletes kept for messages not yet seen, a channel.</param>
public readonly record struct StoredPolicy(
    bool OwnSendAcks, bool WebhookIsOwn, bool SeparateThreads, uint CountKinds, int Window, int WaitingLimit)
{
    public static StoredPolicy From(PolicyOptions options) => new(
        options.OwnSendAcks, options.WebhookIsOwn, options.Threads == ThreadMode.Separate,
        options.CountKindsMask(), options.Window, options.WaitingLimit);

    /// <summary>All of it with a limit of the store's records, in the text that a lineage keeps and compares.</summary>
    public string Describe(int maxValueBytes) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"ownSendAcks={OwnSendAcks} webhookIsOwn={WebhookIsOwn} separateThreads={SeparateThreads} countKinds={CountKinds} "
        + $"window={Window} waitingLimit={WaitingLimit} maxValueBytes={maxValueBytes}");

    public bool Counts(byte messageKind) => (CountKinds & (1u << messageKind)) != 0;
}

/// <summary>The part of the policy that is applied when a question is answered.</summary>
/// <param name="OwnCounts">Own messages above the pointer are unread.</param>
/// <param name="WebhookIsOwn">A message posted by an integration under one's name is one's own.</param>
/// <param name="SeparateThreads">Each thread has a pointer of its own.</param>
/// <param name="DmMentions">Each message of others in a direct or group channel is a mention.</param>
/// <param name="MuteZeroes">A muted channel shows 0 for itself.</param>
/// <param name="CountBeforeJoin">The whole history counts for one who joins.</param>
/// <param name="DmMutedMentionsOnly">In a muted direct or group channel only named and everyone mentions are mentions.</param>
/// <param name="Window">Newest ids counted, a channel.</param>
public readonly record struct AnswerPolicy(
    bool OwnCounts, bool WebhookIsOwn, bool SeparateThreads, bool DmMentions, bool MuteZeroes, bool CountBeforeJoin,
    bool DmMutedMentionsOnly, int Window)
{
    public static AnswerPolicy From(PolicyOptions options) => new(
        options.OwnCounts, options.WebhookIsOwn, options.Threads == ThreadMode.Separate, options.DmMentions,
        options.MuteZeroes, options.JoinBaseline == JoinBaseline.All, options.DmMutedMentionsOnly, options.Window);
}

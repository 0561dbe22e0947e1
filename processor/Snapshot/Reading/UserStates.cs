using ReadStateStream.Fold;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Reading;

/// <summary>A user's states in one partition, or their sums.</summary>
public sealed class UserStates
{
    private readonly List<ulong> channels = [];

    /// <summary>In order of channel id.</summary>
    public List<(ulong Channel, StateAnswer Answer)> Answers { get; } = [];

    /// <summary>There are states beyond the request's limit.</summary>
    public bool More { get; private set; }

    /// <summary>Sums, where the request asked for totals only.</summary>
    public Totals Totals { get; private set; } = new();

    /// <summary>Channels read here that lost edits or deletes.</summary>
    public int Lost { get; private set; }

    /// <summary>Reads as the request asks. Worthless where the source missed.</summary>
    public void Read(IRecordSource records, ChannelReader reader, GetUserRequest request, BlockedLookup blocked)
    {
        Begin(records, request.UserId);
        foreach (var channel in channels)
        {
            if (!request.TotalsOnly && channel <= request.AfterChannelId) continue;
            var answer = reader.Read(request.UserId, channel, blocked.Of(request.UserId), 0, false);
            if (!answer.Member) continue;
            if (request.TotalsOnly)
            {
                Sum(answer);
                continue;
            }
            if (request.UnreadOnly && answer.Counts.Unread == 0 && answer.Counts.Mentions == 0) continue;
            if (Answers.Count == request.Limit)
            {
                More = true;
                break;
            }
            Answers.Add((channel, answer));
            if (answer.Lost) Lost++;
        }
    }

    private void Begin(IRecordSource records, ulong user)
    {
        channels.Clear();
        Answers.Clear();
        Totals = new Totals();
        More = false;
        Lost = 0;
        ListReader.Read(records, user, SubKind.ChannelList, blocksOnly: false, channels);
        channels.Sort();
    }

    private void Sum(in StateAnswer answer)
    {
        var (unread, mentions) = Counting.Badge(answer.Counts, answer.Muted);
        Totals.Channels++;
        Totals.Unread += (ulong)unread;
        Totals.Mentions += (ulong)mentions;
        Totals.Capped |= answer.Capped;
        if (unread != 0 || mentions != 0) Totals.UnreadChannels++;
        if (answer.Lost) Lost++;
    }
}

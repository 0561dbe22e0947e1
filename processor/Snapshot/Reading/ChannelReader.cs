// Counts of one user in one channel, from the records of the channel and of the read state.
//
// Invariants:
// - unread covers ids above max(P, J, L): the pointer, the head at the join, the greatest that left the window.
// - A block is read only where its directory entry does not settle the count.
// - capped iff L is at or above the floor and max(P, J) < L.
using ReadStateStream.Fold;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Reading;

/// <summary>A read state as plain values, turned into the contract's message on the caller's thread.</summary>
public struct StateAnswer
{
    public bool Member;
    public bool Capped;
    public bool Lost;
    public bool Muted;
    public bool Suppressed;
    public Counts Counts;
    public ulong Pointer;
    public ulong NewestReadEventId;
    public ulong Head;
    public ChannelKind Kind;
    public bool Probed;
    public bool ProbeExists;
    public bool ProbeOwn;
    public ulong ProbeAuthor;
    public ThreadAnswer[]? Threads;
}

/// <summary>One thread's part; root 0 is the main timeline.</summary>
public struct ThreadAnswer
{
    public ulong Root;
    public Counts Counts;
    public ulong Pointer;
    public ulong Last;
    public bool Capped;
}

/// <summary>Computes answers; used again by one partition's writer.</summary>
public sealed class ChannelReader(IRecordSource records, AnswerPolicy policy, int valueBytes)
{
    private readonly ChannelRecord channel = new();
    private readonly BlockDirectory directory = new();
    private readonly MessageRun block = new();
    private readonly Dictionary<ulong, int> threadIndex = [];
    private readonly List<ThreadAnswer> threads = [];
    private ReadState state;
    private Viewer viewer;
    private ulong user;
    private ulong id;
    private ulong left;
    private bool capped;

    /// <summary>The state of a user in a channel, as of now. Worthless where the reader missed.</summary>
    public StateAnswer Read(ulong userId, ulong channelId, ReadOnlySpan<ulong> blocked, ulong probe, bool withThreads)
    {
        user = userId;
        id = channelId;
        var answer = default(StateAnswer);
        ReadStateCodec.Decode(records.Read(Key16.ReadState(user, id)), out state);
        if (!state.Member && probe == 0) return answer;
        channel.Decode(records.Read(Key16.OfChannel(id, SubKind.ChannelRecord)));
        LoadDirectory();
        if (records.Missed) return answer;
        viewer = new Viewer(user, channel.Kind, state.Mute.On, state.Suppress.On, policy);
        left = GreatestThatLeft(out var leftArrival);
        if (probe != 0) Probe(ref answer, probe);
        if (!state.Member || channel.Deleted || records.Missed) return answer;

        var read = Math.Max(state.Pointer, HeadAtJoin(leftArrival));
        var lostBelow = channel.Lost != 0 && channel.Lost >= channel.Floor && channel.Lost > left;
        capped = left != 0 && left >= channel.Floor && read < left;
        answer.Member = true;
        answer.Capped = capped;
        answer.Lost = lostBelow;
        answer.Muted = state.Mute.On;
        answer.Suppressed = state.Suppress.On;
        answer.Pointer = state.Pointer;
        answer.NewestReadEventId = state.NewestReadEventId;
        answer.Head = channel.Head;
        answer.Kind = channel.Kind == ChannelKind.Unspecified ? ChannelKind.Guild : channel.Kind;
        var bound = Math.Max(read, left);
        answer.Counts = policy.SeparateThreads ? CountThreads(bound, blocked) : Count(bound, blocked);
        if (answer.Capped) answer.Counts.First = 0;
        if (withThreads && policy.SeparateThreads) answer.Threads = [.. threads];
        return answer;
    }

    private void LoadDirectory()
    {
        directory.Clear();
        if (channel.BlockCount == 0) return;
        var perRecord = BlockDirectory.EntriesPerRecord(valueBytes);
        for (var i = 0; i * perRecord < channel.BlockCount; i++)
            directory.DecodeRecord(records.Read(Key16.OfChannel(id, SubKind.Directory, (uint)i)));
        if (directory.Count != channel.BlockCount && !records.Missed)
            throw new InvalidDataException($"channel {id} names {channel.BlockCount} blocks, its directory {directory.Count}");
    }

    private bool LoadBlock(int index)
    {
        block.Clear();
        var value = records.Read(Key16.OfChannel(id, SubKind.Block, directory[index].Number));
        if (value.IsEmpty)
            return records.Missed ? false : throw new InvalidDataException($"block {directory[index].Number} of channel {id} is missing");
        block.Decode(value[RecordHeader.Length..]);
        return true;
    }

    /// <summary>L and the offset of its arrival; 0 where nothing left the window.</summary>
    private ulong GreatestThatLeft(out long arrival)
    {
        arrival = 0;
        var excess = channel.BlockSent + channel.TailSent - policy.Window;
        if (excess <= 0) return 0;
        for (var i = 0; i < directory.Count; i++)
        {
            if (excess <= directory[i].Sent) return LoadBlock(i) ? NthSent(block, excess, out arrival) : 0;
            excess -= directory[i].Sent;
        }
        return NthSent(channel.Tail, excess, out arrival);
    }

    private static ulong NthSent(MessageRun run, int n, out long arrival)
    {
        foreach (ref readonly var message in run.Items)
        {
            if (!message.Is(MessageFlags.Sent) || --n != 0) continue;
            arrival = message.ArrivalOffset;
            return message.Id;
        }
        arrival = 0;
        return 0;
    }

    /// <summary>J: the greatest id in the window, or L, that arrived before the join; 0 where there is no baseline.</summary>
    private ulong HeadAtJoin(long leftArrival)
    {
        if (state.JoinOffset < 0 || policy.CountBeforeJoin) return 0;
        var head = GreatestBefore(channel.Tail, state.JoinOffset);
        for (var i = directory.Count - 1; head == 0 && i >= 0 && directory[i].LastId > left; i--)
            if (directory[i].LeastArrival < state.JoinOffset && LoadBlock(i))
                head = GreatestBefore(block, state.JoinOffset);
        if (head < left) head = leftArrival < state.JoinOffset ? left : 0;
        return head;
    }

    private static ulong GreatestBefore(MessageRun run, long offset)
    {
        for (var i = run.Count - 1; i >= 0; i--)
            if (run[i].Is(MessageFlags.Sent) && run[i].ArrivalOffset < offset)
                return run[i].Id;
        return 0;
    }

    private Counts Count(ulong bound, ReadOnlySpan<ulong> blocked)
    {
        var counts = default(Counts);
        for (var i = directory.IndexOf(bound + 1); i < directory.Count; i++)
        {
            var below = i == 0 ? 0 : directory[i - 1].LastId;
            if (below < bound || MustRead(directory[i], below, counts, blocked))
            {
                LoadBlock(i);
                CountRun(block, bound, blocked, ref counts);
            }
            else Counting.AddBlock(ref counts, viewer, directory[i].Countable, directory[i].Everyone);
        }
        CountRun(channel.Tail, bound, blocked, ref counts);
        return counts;
    }

    /// <summary>The directory's figures do not settle what a block above the bound adds.</summary>
    private bool MustRead(in BlockEntry entry, ulong below, in Counts counts, ReadOnlySpan<ulong> blocked) =>
        entry.Countable != 0
        && (counts.First == 0
            || entry.MayName(user)
            || state.GreatestOwn > below
            || (!blocked.IsEmpty && (viewer.EachMentions || entry.Everyone != 0)));

    private void CountRun(MessageRun run, ulong bound, ReadOnlySpan<ulong> blocked, ref Counts counts)
    {
        foreach (ref readonly var message in run.Items)
            if (message.Id > bound && message.Counts)
                Counting.Add(ref counts, viewer, message, Names(run, message), blocked.BinarySearch(message.Author) >= 0);
    }

    private bool Names(MessageRun run, in Message message)
    {
        if (message.MentionRecords == 0) return run.MentionsOf(message).BinarySearch(user) >= 0;
        var bucket = MentionRecord.BucketOf(user, message.MentionRecords);
        var value = records.Read(Key16.OfChannel(id, SubKind.Mentions, message.MentionNumber + (uint)bucket));
        return !value.IsEmpty && MentionRecord.Names(value, user);
    }

    private Counts CountThreads(ulong bound, ReadOnlySpan<ulong> blocked)
    {
        threads.Clear();
        threadIndex.Clear();
        ThreadAt(0);
        for (var i = 0; i < state.ThreadCount; i++) ThreadAt(state.Threads[i].Root);
        for (var i = directory.IndexOf(left + 1); i < directory.Count; i++)
        {
            LoadBlock(i);
            CountRunByThread(block, bound, blocked);
        }
        CountRunByThread(channel.Tail, bound, blocked);
        var sum = default(Counts);
        foreach (var thread in threads)
        {
            sum.Unread += thread.Counts.Unread;
            sum.Mentions += thread.Counts.Mentions;
            sum.Named += thread.Counts.Named;
            sum.Everyone += thread.Counts.Everyone;
            if (thread.Counts.First != 0 && (sum.First == 0 || thread.Counts.First < sum.First)) sum.First = thread.Counts.First;
        }
        return sum;
    }

    private void CountRunByThread(MessageRun run, ulong bound, ReadOnlySpan<ulong> blocked)
    {
        foreach (ref readonly var message in run.Items)
        {
            if (message.Id <= left || !message.Is(MessageFlags.Sent) || message.Is(MessageFlags.Deleted)) continue;
            var index = ThreadAt(message.Thread);
            ref var thread = ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(threads)[index];
            thread.Last = message.Id;
            if (!message.Counts || message.Id <= bound || message.Id <= thread.Pointer) continue;
            Counting.Add(ref thread.Counts, viewer, message, Names(run, message), blocked.BinarySearch(message.Author) >= 0);
        }
    }

    private int ThreadAt(ulong root)
    {
        if (threadIndex.TryGetValue(root, out var index)) return index;
        threadIndex.Add(root, threads.Count);
        var pointer = Math.Max(state.Pointer, ThreadPointer(root));
        threads.Add(new ThreadAnswer { Root = root, Pointer = pointer, Capped = capped && pointer < left });
        return threads.Count - 1;
    }

    private ulong ThreadPointer(ulong root)
    {
        if (root == 0) return state.MainPointer;
        for (var i = 0; i < state.ThreadCount; i++)
            if (state.Threads[i].Root == root)
                return state.Threads[i].Pointer;
        if (!state.HasOverflow) return 0;
        return ThreadRecord.Pointer(records.Read(Key16.Thread(user, id, root)), user, id, root, state.ClearCount);
    }

    private void Probe(ref StateAnswer answer, ulong probe)
    {
        answer.Probed = true;
        if (probe < channel.Floor || probe <= left) return;
        var run = channel.Tail;
        if (channel.BlockCount != 0 && probe <= channel.BlockLastId)
        {
            if (!LoadBlock(directory.IndexOf(probe))) return;
            run = block;
        }
        var index = run.Find(probe);
        if (index < 0) return;
        ref readonly var message = ref run[index];
        if ((message.Flags & (MessageFlags.Sent | MessageFlags.Deleted)) != MessageFlags.Sent) return;
        answer.ProbeExists = true;
        answer.ProbeAuthor = message.Author;
        answer.ProbeOwn = viewer.IsOwn(message);
    }
}

using ReadStateStream.Fold;
using ReadStateStream.Schemas.V1;
using Xunit;
using ChannelKind = ReadStateStream.Schemas.V1.ChannelKind;
using static ReadStateStream.Unit.Partition.Chat;

namespace ReadStateStream.Unit.Partition;

/// <summary>The rules of DESIGN.md §2 on logs short enough to count by hand; the generated logs judge their combinations.</summary>
public class RuleTests
{
    [Fact]
    public void Own_messages_do_not_count_and_those_of_others_above_the_pointer_do()
    {
        using var chat = new Chat(new PolicyOptions { OwnSendAcks = false }).Created(members: [Amy, Bob]);
        chat.Sent(1).Sent(2, author: Amy).Sent(3).Read(Amy, 1);
        Assert.Equal((1UL, 0UL), chat.Counts());
        Assert.Equal(3UL, chat.State().Counts.FirstUnreadId);
    }

    [Fact]
    public void A_message_counts_once_however_many_ways_it_mentions()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Sent(1, names: Amy, everyone: true);
        var counts = chat.State().Counts;
        Assert.Equal((1UL, 1UL, 0UL), (counts.Mentions, counts.MentionsNamed, counts.MentionsEveryone));
    }

    [Fact]
    public void A_muted_channel_adds_only_direct_mentions_to_the_badge()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Sent(1).Sent(2, everyone: true).Sent(3, names: Amy).Muted(Amy);
        var state = chat.State();
        Assert.Equal((3UL, 2UL), (state.Counts.Unread, state.Counts.Mentions));
        Assert.Equal((0UL, 1UL), (state.BadgeUnread, state.BadgeMentions));
    }

    [Fact]
    public void A_read_never_moves_back()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 5).Read(Amy, 4).Read(Amy, 2);
        Assert.Equal((1UL, 0UL), chat.Counts());
        Assert.Equal(4UL, chat.State().LastReadId);
    }

    [Fact]
    public void A_join_of_one_who_is_present_moves_no_baseline()
    {
        using var chat = new Chat().Created(members: [Bob]).Sent(1).Joined(Amy).Sent(2).Sent(3).Joined(Amy);
        Assert.Equal((2UL, 0UL), chat.Counts());
    }

    [Fact]
    public void What_came_before_a_join_by_offset_is_not_unread_whatever_came_later()
    {
        using var chat = new Chat().Created(members: [Bob]).Sent(10).Joined(Amy).Sent(11).Sent(9);
        Assert.Equal((1UL, 0UL), chat.Counts());
    }

    [Fact]
    public void The_head_at_a_join_is_found_wherever_its_message_lies_by_now()
    {
        using var chat = new Chat().Created(members: [Bob]);
        for (var id = 1UL; id <= 300; id++) chat.Sent(id).Joined(1_000 + id);
        for (var id = 1UL; id <= 300; id++) Assert.Equal((300 - id, 0UL), chat.Counts(1_000 + id));
    }

    [Fact]
    public void After_a_leave_nothing_of_before_has_an_effect()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 9).Read(Amy, 5, eventId: 2_000).Muted(Amy);
        chat.Left(Amy, eventId: 3_000).Joined(Amy, eventId: 3_001).Set(Amy, 0, eventId: 1_500);
        var state = chat.State();
        Assert.Equal((0UL, 0UL, false), (state.Counts.Unread, state.LastReadId, state.Muted));
        chat.Read(Amy, 5, eventId: 2_000);
        Assert.Equal(0UL, chat.State().LastReadId);
    }

    [Fact]
    public void What_a_non_member_reads_or_sets_has_no_effect_after_a_later_join()
    {
        using var chat = new Chat().Created(members: [Bob]).Read(Amy, 50, eventId: 5_000).Muted(Amy, eventId: 5_001);
        chat.Joined(Amy, eventId: 5_002).Read(Amy, 50, eventId: 5_000).Muted(Amy, eventId: 4_000).SentAll(40, 49);
        Assert.Equal((10UL, 0UL), chat.Counts());
        Assert.False(chat.State().Muted);
    }

    [Fact]
    public void A_read_delivered_again_after_a_late_setting_moves_nothing()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 5);
        chat.Read(Amy, 5, eventId: 5_000).Set(Amy, 2, eventId: 3_000).Read(Amy, 5, eventId: 5_000);
        Assert.Equal((3UL, 0UL), chat.Counts());
    }

    [Fact]
    public void Ones_own_message_sent_again_reads_nothing_even_across_a_leave()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 4).Sent(5, author: Amy);
        chat.Left(Amy).Joined(Amy).Set(Amy, 0).Sent(5, author: Amy);
        Assert.Equal((4UL, 0UL), chat.Counts());
    }

    [Fact]
    public void What_one_sent_before_joining_reads_nothing_when_it_comes_again()
    {
        using var chat = new Chat().Created(members: [Bob]).SentAll(1, 4).Sent(5, author: Amy).Joined(Amy).Set(Amy, 0).Sent(5, author: Amy);
        Assert.Equal((4UL, 0UL), chat.Counts());
    }

    [Fact]
    public void A_deletion_is_final_and_of_edits_the_greatest_event_id_stands()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Deleted(1).Sent(1).Sent(1).Edited(1, names: Amy);
        Assert.Equal((0UL, 0UL), chat.Counts());
        chat.Edited(2, names: Amy, eventId: 9_000).Edited(2, eventId: 8_000).Sent(2);
        Assert.Equal((1UL, 1UL), chat.Counts());
    }

    [Fact]
    public void A_purge_takes_what_lies_below_the_floor_and_nothing_else()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 5).Purged(before: 4).Sent(2);
        Assert.Equal((2UL, 0UL), chat.Counts());
        Assert.Equal(4UL, chat.State().Counts.FirstUnreadId);
    }

    [Fact]
    public void The_deletion_of_a_channel_is_final()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Sent(1);
        chat.Add(new ChannelEvent { ChannelDeleted = new ChannelDeleted { ChannelId = Channel } }).Sent(2);
        Assert.False(chat.State().Member);
    }

    [Fact]
    public void A_late_id_counts_wherever_it_belongs()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]);
        for (var id = 2UL; id <= 400; id += 2) chat.Sent(id);
        Assert.Equal((201UL, 1UL), chat.Sent(3, names: Amy).Counts());
        Assert.Equal((202UL, 1UL), chat.Sent(399).Counts());
    }

    [Fact]
    public void Beyond_the_window_an_answer_is_capped_and_has_no_first()
    {
        using var chat = new Chat(new PolicyOptions { Window = 50 }).Created(members: [Amy, Bob]).SentAll(1, 50);
        var full = chat.State().Counts;
        Assert.Equal((50UL, 1UL, false), (full.Unread, full.FirstUnreadId, full.Capped));
        var capped = chat.Sent(51).State().Counts;
        Assert.Equal((50UL, 0UL, true), (capped.Unread, capped.FirstUnreadId, capped.Capped));
        Assert.False(chat.Read(Amy, 1).State().Counts.Capped);
    }

    [Fact]
    public void What_left_the_window_before_a_join_does_not_cap_the_answer()
    {
        using var chat = new Chat(new PolicyOptions { Window = 3 }).Created(members: [Bob]).Sent(1).Joined(Amy).SentAll(2, 4);
        Assert.Equal((3UL, false), (chat.State().Counts.Unread, chat.State().Counts.Capped));
        Assert.True(chat.Sent(5).State().Counts.Capped);
    }

    /// <summary>Wherever the message lies that left the window last: within a block, at its end, in the tail.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(40)]
    public void A_join_right_after_what_left_the_window_last_is_not_capped(int window)
    {
        using var chat = new Chat(new PolicyOptions { Window = window }).Created(members: [Bob]);
        var of = (ulong)window;
        for (var id = 1UL; id <= 300; id++)
        {
            chat.Sent(id).Joined(1_000 + id);
            if (id <= of + 1) continue;
            var (at, before) = (chat.State(1_000 + id - of).Counts, chat.State(1_000 + id - of - 1).Counts);
            Assert.Equal((of, id - of + 1, false), (at.Unread, at.FirstUnreadId, at.Capped));
            Assert.Equal((of, 0UL, true), (before.Unread, before.FirstUnreadId, before.Capped));
        }
    }

    [Fact]
    public void The_channels_kind_is_that_of_the_greatest_event_id()
    {
        using var chat = new Chat().Created(ChannelKind.Direct, Amy, Bob);
        chat.Add(new ChannelEvent { ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = ChannelKind.Guild } }, eventId: 1);
        Assert.Equal((1UL, 1UL), chat.Sent(1).Counts());
    }

    [Fact]
    public void An_edit_given_up_beyond_the_bound_makes_the_channel_incomplete()
    {
        using var chat = new Chat(new PolicyOptions { WaitingLimit = 2 }).Created(members: [Amy, Bob]).Edited(5).Edited(6);
        Assert.False(chat.State().Incomplete);
        Assert.True(chat.Edited(7).State().Incomplete);
        Assert.False(chat.Purged(before: 6).State().Incomplete);
    }

    [Fact]
    public void A_setting_of_the_pointer_clears_thread_pointers_wherever_they_lie()
    {
        using var chat = new Chat(new PolicyOptions { Threads = ThreadMode.Separate }).Created(members: [Amy, Bob]);
        for (var root = 1UL; root <= 9; root++) chat.Sent(root + 20, thread: root).Read(Amy, root + 20, thread: root);
        Assert.Equal((0UL, 0UL), chat.Counts());
        Assert.Equal((9UL, 0UL), chat.Set(Amy, 0).Counts());
        // Enough threads again that those beyond the first lie in records of their own.
        for (var root = 1UL; root <= 6; root++) chat.Read(Amy, root + 20, thread: root);
        Assert.Equal((3UL, 0UL), chat.Counts());
        Assert.Equal(0UL, Assert.Single(chat.State().Threads, thread => thread.ThreadRootId == 9).LastReadId);
    }

    /// <summary>In each the first block is read for the first unread id; what is looked for lies in one beyond it.</summary>
    [Fact]
    public void A_block_beyond_the_first_that_names_the_user_is_read()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).SentAll(1, 300).Sent(301, names: Amy).SentAll(302, 600);
        Assert.Equal((600UL, 1UL), chat.Counts());
        Assert.Equal((250UL, 0UL), chat.Read(Amy, 350).Counts());
    }

    [Fact]
    public void A_block_beyond_the_first_with_messages_of_the_user_is_read()
    {
        using var chat = new Chat(new PolicyOptions { OwnSendAcks = false }).Created(members: [Amy, Bob]);
        chat.SentAll(1, 300).SentAll(301, 320, author: Amy).SentAll(321, 600);
        Assert.Equal((580UL, 0UL), chat.Counts());
    }

    [Fact]
    public void A_block_beyond_the_first_with_everyone_mentions_is_read_for_who_blocked_somebody()
    {
        using var chat = new Chat().Created(members: [Amy, Bob, Cat]);
        chat.SentAll(1, 300).SentAll(301, 310, author: Cat, everyone: true).SentAll(311, 320, everyone: true).SentAll(321, 600);
        Assert.Equal((600UL, 20UL), chat.Counts());
        Assert.Equal((600UL, 10UL), chat.Counts(Amy, new BlockedLookupOf(Cat)));
        Assert.Equal((600UL, 0UL), chat.Suppressed(Amy).Counts());
    }

    [Fact]
    public void A_direct_channels_blocks_are_read_for_who_blocked_somebody()
    {
        using var chat = new Chat().Created(ChannelKind.Group, Amy, Bob, Cat).SentAll(1, 300).SentAll(301, 310, author: Cat).SentAll(311, 600);
        Assert.Equal((600UL, 600UL), chat.Counts());
        Assert.Equal((600UL, 590UL), chat.Counts(Amy, new BlockedLookupOf(Cat)));
    }

    [Fact]
    public void Deleted_messages_and_edits_that_wait_count_in_no_block()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Sent(1);
        for (var id = 2UL; id <= 600; id++)
            if (id % 10 == 0) chat.Deleted(id);
            else if (id % 10 == 5) chat.Edited(id);
            else chat.Sent(id);
        chat.Sent(300);
        Assert.Equal((600UL - 120, 0UL), chat.Counts());
        Assert.Equal(1UL, chat.State().Counts.FirstUnreadId);
    }
}

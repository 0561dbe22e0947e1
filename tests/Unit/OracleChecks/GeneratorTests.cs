using ReadStateStream.Fold;
using ReadStateStream.Oracle;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.OracleChecks;

/// <summary>The generators make what the properties need.</summary>
public class GeneratorTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_event_case_and_kind_of_duplicate_is_at_least_one_percent()
    {
        var counts = new CaseCounts();
        for (var seed = 0; seed < 300; seed++) counts.Add(GeneratedLog.Make(seed, 500));
        output.WriteLine(counts.ToString());
        counts.RequireEach();
    }

    [Fact]
    public void The_collector_fails_where_a_case_is_missing()
    {
        var counts = new CaseCounts();
        counts.Add(GeneratedLog.Make(seed: 1, size: 1));
        Assert.Throws<InvalidOperationException>(() => counts.RequireEach());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 80)]
    [InlineData(int.MaxValue, 500)]
    public void A_seed_gives_the_same_log_again(int seed, int size)
    {
        var (one, other) = (GeneratedLog.Make(seed, size), GeneratedLog.Make(seed, size));
        Assert.Equal(size, one.Events.Count);
        Assert.Equal(one.Events, other.Events);
        Assert.Equal(one.Policy.ToString(), other.Policy.ToString());
    }

    [Fact]
    public void Ids_are_in_range_and_an_event_id_belongs_to_one_fact()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var log = GeneratedLog.Make(seed, size: 1 + seed * 2);
            foreach (var deliveries in log.Events.GroupBy(record => record.Event.EventId))
            {
                Assert.InRange(deliveries.Key, 1UL, (ulong)long.MaxValue);
                Assert.Equal(DuplicateKind.None, deliveries.First().Duplicate);
                Assert.All(deliveries.Skip(1), again => Assert.NotEqual(DuplicateKind.None, again.Duplicate));
                Assert.All(deliveries, again => Assert.Equal(deliveries.First().Event, again.Event));
            }
            Assert.All(log.Facts.Where(fact => fact.MessageSent is not null),
                fact => Assert.InRange(fact.MessageSent.MessageId, 1UL, (ulong)long.MaxValue));
        }
    }

    [Fact]
    public void Every_key_of_the_policy_reaches_the_products_options()
    {
        var keys = typeof(OraclePolicy).GetProperties().Select(property => property.Name).ToList();
        Assert.Equal(typeof(PolicyOptions).GetProperties().Select(property => property.Name).Order(), keys.Order());
        for (var seed = 0; seed < 100; seed++)
        {
            var policy = GeneratedLog.Make(seed, 1).Policy;
            var options = policy.ToOptions();
            foreach (var key in keys)
                Assert.Equal(Text(policy, key), Text(options, key));
        }

        static string Text(object options, string key) => options.GetType().GetProperty(key)!.GetValue(options) switch
        {
            System.Collections.IEnumerable kinds => string.Join('+', kinds.Cast<object>()),
            var value => value!.ToString()!,
        };
    }

    [Fact]
    public void A_log_shrinks_to_what_makes_it_fail()
    {
        var log = GeneratedLog.Make(seed: 11, size: 200);
        bool Fails(GeneratedLog candidate) => candidate.Facts.Any(fact => fact.PointerSet is not null);
        while (LogArbitrary.Shrink(log).FirstOrDefault(Fails) is { } smaller) log = smaller;
        Assert.NotNull(Assert.Single(log.Events).Event.PointerSet);
        Assert.Equal(DuplicateKind.None, log.Events[0].Duplicate);
        Assert.Equal(new OraclePolicy().ToString(), log.Policy.ToString());
    }

    [Fact]
    public void The_logs_reach_what_is_rare()
    {
        var reached = new Dictionary<string, int>();
        for (var seed = 0; seed < 300; seed++)
        {
            var log = GeneratedLog.Make(seed, 500);
            var oracle = log.Oracle();
            var states = oracle.Users.SelectMany(user => oracle.Channels.Select(channel => oracle.State(user, channel))).ToList();
            Note("a capped state", states.Any(state => state.Counts.Capped));
            Note("an incomplete channel", states.Any(state => state.Incomplete));
            Note("a muted badge with a mention", states.Any(state => state.Muted && state.BadgeMentions > 0));
            Note("an everyone mention", states.Any(state => state.Counts.Everyone > 0));
            Note("twenty unread", states.Any(state => state.Counts.Unread >= 20));
            Note("fifty unread", states.Any(state => state.Counts.Unread >= 50));
            Note("more ids in a channel than a block of 128", log.Facts.Where(fact => fact.MessageSent is not null)
                .GroupBy(fact => fact.MessageSent.ChannelId, fact => fact.MessageSent.MessageId)
                .Any(channel => channel.Distinct().Count() > 128));
            Note("a message with over 64 mentions", log.Facts.Any(fact => fact.MessageSent?.MentionedUserIds.Count > 64));
            Note("an edit with over 64 mentions", log.Facts.Any(fact => fact.MessageEdited?.MentionedUserIds.Count > 64));
            Note("a fact with a lower event id than one before it",
                log.FirstDeliveries.Zip(log.FirstDeliveries.Skip(1)).Any(pair => pair.First.EventId > pair.Second.EventId));
            Note("five threads of one user",
                states.Any(state => oracle.ThreadsOf(state.UserId, state.ChannelId).Count >= 5));
        }
        foreach (var (what, logs) in reached) output.WriteLine($"{what}: {logs} of 300 logs");
        Assert.All(reached, what => Assert.True(what.Value >= 5, what.Key));

        void Note(string what, bool seen) => reached[what] = reached.GetValueOrDefault(what) + (seen ? 1 : 0);
    }
}

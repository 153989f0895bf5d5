using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Answers that are given again while nothing changed.</summary>
public class AnswerCacheTests
{
    private readonly Sources _sources = new Team().Joins("alice", Story.RepoA).Sources;
    private int _composed;

    private AnswerCache<string, string> Cache(int capacity = 2) => new(capacity, (_, query) =>
    {
        _composed++;
        return $"{query} {_composed}";
    });

    [Fact]
    public void The_same_question_on_the_same_objects_gets_the_same_answer()
    {
        var cache = Cache();

        cache.Get(_sources, "a").ShouldBeSameAs(cache.Get(_sources, "a"));
        cache.Get(_sources, "b").ShouldBe("b 2");
    }

    [Fact]
    public void Any_other_object_makes_a_new_answer()
    {
        var cache = Cache();
        var answers = new List<string> { cache.Get(_sources, "a") };
        foreach (var changed in new[]
        {
            _sources with { Roster = new(_sources.Roster.Project, _sources.Roster.Profiles) },
            _sources with { Seen = _sources.Seen.Add("w", default) },
            _sources with { Presence = _sources.Presence with { } },
            _sources with { Work = _sources.Work with { } },
        })
        {
            answers.Add(cache.Get(changed, "a"));
            cache.Get(_sources, "a");
        }

        answers.Distinct().Count().ShouldBe(5);
    }

    [Fact]
    public void It_holds_no_more_answers_than_its_capacity()
    {
        var cache = Cache(capacity: 2);
        foreach (var query in new[] { "a", "b", "c" }) cache.Get(_sources, query);

        cache.Get(_sources, "c").ShouldBe("c 3");
        cache.Get(_sources, "a").ShouldBe("a 4");
    }
}

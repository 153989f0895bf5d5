using Beadhub.Invites;

namespace Beadhub.Grains.Tests.Invites;

/// <summary>The invites of a project.</summary>
public class InviteBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private InviteBook _book = InviteBook.Empty;

    private T Do<T>(Beadhub.EventLog.Decision<T> decision)
    {
        foreach (var e in decision.Events) _book = _book.Apply(e);
        return decision.Result;
    }

    private InviteView Make(string name, DateTimeOffset? at = null) =>
        Do(_book.Make(new($"id of {name}", name, null, "alice", Day), at ?? Noon));

    private bool Use(string name, string useId, DateTimeOffset? at = null) => Do(_book.Use(new(name, useId), at ?? Noon));

    [Fact]
    public void An_invite_is_used_once_and_the_same_use_again_is_the_same()
    {
        Make("a").Status.ShouldBe("open");

        Use("a", "first").ShouldBeTrue();
        Use("a", "first").ShouldBeTrue();
        Use("a", "second").ShouldBeFalse();
        Use("b", "first").ShouldBeFalse();
        _book.Find("a", Noon).ShouldBeNull();
        _book.List(Noon).ShouldHaveSingleItem().Status.ShouldBe("used");
    }

    [Fact]
    public void A_use_that_came_to_nothing_is_given_back_by_whoever_made_it()
    {
        Make("a");
        Use("a", "first");

        Do(_book.GiveBack("a", "second", Noon)).ShouldBeFalse();
        Use("a", "second").ShouldBeFalse();
        Do(_book.GiveBack("a", "first", Noon)).ShouldBeTrue();
        Use("a", "second").ShouldBeTrue();
    }

    [Fact]
    public void An_invite_that_was_revoked_or_has_expired_is_of_no_use()
    {
        Make("a");
        Make("b");
        Do(_book.Revoke("id of a", Noon))!.Status.ShouldBe("revoked");
        Do(_book.Revoke("id of nobody", Noon)).ShouldBeNull();

        Use("a", "first").ShouldBeFalse();
        Use("b", "first", Noon + Day).ShouldBeFalse();
        Do(_book.Revoke("id of b", Noon + Day))!.Status.ShouldBe("expired");
        Use("b", "first", Noon + Day - TimeSpan.FromTicks(1)).ShouldBeTrue();
    }

    [Fact]
    public void Open_invites_are_limited_and_what_ended_long_ago_goes()
    {
        for (var i = 0; i < InviteBook.MostOpen; i++) Make($"{i}");
        Should.Throw<RefusedException>(() => Make("one more")).Kind.ShouldBe(RefusalKind.Invalid);

        Make("later", Noon + (40 * Day));
        _book.Invites.Keys.ShouldBe(["later"]);
    }

    [Fact]
    public void A_code_names_its_project_and_no_two_are_the_same()
    {
        var project = Guid.NewGuid().ToString("D");
        var code = InviteCode.Make(project);

        code.Length.ShouldBe(InviteCode.Length);
        InviteCode.Make(project).ShouldNotBe(code);
        InviteCode.TryRead(code, out var read).ShouldBeTrue();
        read.ProjectId.ShouldBe(project);
        foreach (var none in (string?[])[null, "", code[1..], code + "A", code[..^1] + "*", new string('é', InviteCode.Length)])
            InviteCode.TryRead(none, out _).ShouldBeFalse();
    }
}

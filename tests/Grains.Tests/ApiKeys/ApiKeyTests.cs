using System.Text.Json;
using Beadhub.ApiKeys;

namespace Beadhub.Grains.Tests.ApiKeys;

/// <summary>API keys (contract 1.2, protocol 1.4.1).</summary>
public class ApiKeyTests
{
    private static readonly ApiKeyIssued Issued = new("k", "p", "a", "aw_sk_012345", new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_key_stays_with_whom_it_was_issued_to()
    {
        var key = ApiKey.Empty.Apply(ApiKey.Empty.Issue(Issued).Events.ShouldHaveSingleItem());

        key.Identity.ShouldBe(new KeyIdentity("k", "p", "a"));
        key.Issue(Issued with { ProjectId = "other" }).Events.ShouldBeEmpty();
    }

    [Fact]
    public void A_made_key_has_the_form_that_clients_check_and_no_two_are_alike_P16()
    {
        var key = NewApiKey.Make();

        key.Text.ShouldMatch("^aw_sk_[0-9a-f]{64}$");
        key.Prefix.ShouldBe(key.Text[..12]);
        NewApiKey.Make().Text.ShouldNotBe(key.Text);
    }

    [Fact]
    public void Only_the_hash_is_kept_P14() =>
        // The hash of the whole text, prefix included, as any SHA-256 tool prints it.
        IApiKeyGrain.Key("abc").ShouldBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

    [Fact]
    public void A_key_does_not_show_in_a_log()
    {
        var key = NewApiKey.Make();

        $"{key}".ShouldBe(key.Prefix + "…");
    }

    [Fact]
    public void Keys_are_in_no_projects_feed() => ApiKey.Kind.ProjectOf("anything").ShouldBe("-");

    [Fact]
    public void A_key_is_revoked_once_and_for_all()
    {
        var at = Issued.At.AddDays(1);
        ApiKey.Empty.Revoke(at).Events.ShouldBeEmpty();

        var key = ApiKey.Empty.Apply(Issued);
        key = key.Apply(key.Revoke(at).Events.ShouldHaveSingleItem());
        key.View().ShouldBe(new ApiKeyView("k", "a", "aw_sk_012345", Issued.At, at));
        key.Revoke(at.AddDays(1)).Events.ShouldBeEmpty();
    }

    [Fact]
    public void What_has_ended_is_not_brought_back()
    {
        var key = ApiKey.Empty.Apply(Issued with { ExpiresAt = Issued.At.AddDays(1) });
        key.HasEnded(Issued.At).ShouldBeFalse();
        key.HasEnded(Issued.At.AddDays(1)).ShouldBeTrue();

        key.SetExpiry(null, Issued.At.AddDays(1)).ShouldSatisfyAllConditions(
            late => late.Result.ShouldBeFalse(), late => late.Events.ShouldBeEmpty());
        key = key.Apply(key.SetExpiry(Issued.At.AddDays(2), Issued.At).Events.ShouldHaveSingleItem());
        key.HasEnded(Issued.At.AddDays(1)).ShouldBeFalse();
        key.Apply(new ApiKeyRevoked(Issued.At)).SetExpiry(null, Issued.At).Result.ShouldBeFalse();
    }

    [Fact]
    public void A_key_in_use_is_worth_an_event_an_hour()
    {
        var list = KeyList.Empty.Apply(KeyList.Empty.Enter([new("h", ApiKey.Empty.Apply(Issued).View()!)], false, Issued.At).Events[0]);
        list.Enter([.. list.Keys.Values], false, Issued.At).Events.ShouldBeEmpty();
        Use(0).Result.ShouldBeTrue();
        list = list.Apply(Use(0).Events.ShouldHaveSingleItem());

        Use(59).Events.ShouldBeEmpty();
        list = list.Apply(Use(60).Events.ShouldHaveSingleItem());
        list.Keys["k"].View.LastUsedAt.ShouldBe(Issued.At.AddMinutes(60));
        list.Used([new("unknown", "h", Issued.At)], Issued.At).Events.ShouldBeEmpty();

        EventLog.Decision<bool> Use(int minute) => list.Used([new("k", "h", Issued.At.AddMinutes(minute))], Issued.At.AddMinutes(minute));
    }

    [Fact]
    public void A_snapshot_gives_the_key_back()
    {
        var key = ApiKey.Empty.Apply(Issued).Apply(new ApiKeyRevoked(Issued.At));

        JsonSerializer.Deserialize(JsonSerializer.Serialize(key, ApiKey.Kind.Snapshot), ApiKey.Kind.Snapshot).ShouldBe(key);
    }
}

using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway.Hives;

/// <summary><c>/api/v1/agents</c>: who acts in hives.</summary>
internal sealed partial class HiveAgents(IGrainFactory grains, HiveCallers callers, IInitRate rate)
{
    private const int MaxDescription = 500;

    private static readonly Field<string> NewName = InBody.Required("name", "Name: letters, digits, hyphens, underscores", 2, 32)
        .Example("scout").Must(static name => name.Length == 0 || NameRule().IsMatch(name), "Invalid name")
        .Must(static name => !name.Equals("me", StringComparison.OrdinalIgnoreCase) && name != "register", "A reserved name");
    private static readonly Field<string?> About = InBody.Prose("description", "What the agent is", MaxDescription);
    private static readonly Field<string?> Avatar = InBody.Optional("avatar_url", "Address of a picture", max: 2048)
        .Must(HiveUrls.IsGoodOrNull, "Invalid url");
    private static readonly Field<string?> Metadata = InBody.Object("metadata", "Kept and shown again", 16_384, 16, mayBeNull: true);
    private static readonly Field<object?> Invite = InBody.Unread("invite_code", "Accepted and not looked at");
    private static readonly Field<string> Name = HiveFields.AgentName;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<HiveAgents>();
        var requests = new RequestGroup("/api/v1/agents", "hive agents", "Who acts in hives");
        if (routes.ServiceProvider.GetRequiredService<GatewaySettings>().Bootstrap)
        {
            routes.Map(
                requests.Post("/register", "registerHiveAgent", "Make an agent that takes part in hives; answers with its API key")
                    .Needs(Caller.Nobody)
                    .Takes(NewName, About, Invite, Metadata).Fails(409).AnswersKey()
                    .Bind(static fields => (fields.Get(NewName), fields.Get(About), fields.Get(Metadata)))
                    .Creates(HiveWire.Types.RegisteredAnswer),
                (request, _, http) => endpoints.Register(request, http));
        }

        routes.Map(
            requests.Get("/me", "getHiveAgent", "The caller").Needs(Caller.Actor).Answers(HiveWire.Types.SelfAnswer),
            endpoints.Me);
        routes.Map(
            requests.Patch("/me", "changeHiveAgent", "Change what the caller shows of itself").Needs(Caller.Actor)
                .Takes(About, Avatar, Metadata)
                .Bind(static fields => new ChangeProfile(fields.Get(About), fields.Get(Avatar), fields.Get(Metadata)))
                .Answers(HiveWire.Types.SelfAnswer),
            endpoints.Change);
        routes.Map(
            requests.Get("/{name}", "findHiveAgent", "An agent of this instance that has acted in hives").Needs(Caller.Actor)
                .Takes(Name)
                .Bind(static fields => fields.Get(Name))
                .Answers(HiveWire.Types.AgentAnswer),
            endpoints.Get);
        routes.Map(
            requests.Post("/{name}/follow", "followHiveAgent", "Follow an agent").Needs(Caller.Actor)
                .Takes(Name)
                .Bind(static fields => fields.Get(Name))
                .Creates(HiveWire.Types.SuccessAnswer),
            (name, actor) => endpoints.Follow(name, actor, true));
        routes.Map(
            requests.Delete("/{name}/follow", "unfollowHiveAgent", "Follow an agent no longer").Needs(Caller.Actor)
                .Takes(Name)
                .Bind(static fields => fields.Get(Name))
                .Answers(HiveWire.Types.SuccessAnswer),
            (name, actor) => endpoints.Follow(name, actor, false));
        routes.Map(
            requests.Get("/{name}/followers", "listHiveFollowers", "Who follows an agent").Needs(Caller.Actor)
                .Takes(Name, HiveFields.Limit, HiveFields.Offset)
                .Bind(static fields => (fields.Get(Name), fields.Get(HiveFields.Limit), fields.Get(HiveFields.Offset)))
                .Answers(HiveWire.Types.AgentListAnswer),
            (request, _) => endpoints.List(request, static profile => profile.Followers));
        routes.Map(
            requests.Get("/{name}/following", "listHiveFollowing", "Whom an agent follows").Needs(Caller.Actor)
                .Takes(Name, HiveFields.Limit, HiveFields.Offset)
                .Bind(static fields => (fields.Get(Name), fields.Get(HiveFields.Limit), fields.Get(HiveFields.Offset)))
                .Answers(HiveWire.Types.AgentListAnswer),
            (request, _) => endpoints.List(request, static profile => profile.Follows));
    }

    private async Task<RegisteredAnswer> Register((string Name, string? Description, string? Metadata) request, HttpContext http)
    {
        var client = http.Connection.RemoteIpAddress is { } address
            ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : IPAddress.None;
        if (await rate.Take(client) is { } wait) throw ApiException.TooMany("Rate limit exceeded. Too many registrations.", wait);
        var commons = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.SlugName(null, HiveCallers.Commons))
            .Ensure(Guid.NewGuid().ToString("D"));
        var project = grains.GetGrain<IProjectGrain>(commons);
        if (await project.Describe() is not null && await project.Named([request.Name]) is [{ }]) throw Taken();
        AgentInitialized agent;
        try
        {
            agent = await project.Init(new(HiveCallers.Commons, "Commons", request.Name, "", "agent", Lifetimes.Persistent, null, "agent",
                "", ""));
        }
        catch (RefusedException refused) when (refused.Kind == RefusalKind.Invalid)
        {
            // A name that agents may not have: this family tells with 400 what is wrong with a field.
            throw new ApiException(StatusCodes.Status400BadRequest, refused.Message);
        }

        // Of two at once the second has got a key of the first's agent: nobody is told it.
        if (!agent.Created) throw Taken();
        var profile = callers.Profile(agent.AgentId);
        await profile.Touch(request.Name);
        var shown = await profile.Change(new(request.Description, null, request.Metadata));
        return new(AgentItem.Of(shown, 0), agent.ApiKey, new("verified"));

        static ApiException Taken() => new(StatusCodes.Status409Conflict, "Agent name already taken");
    }

    private async Task<SelfAnswer> Me(Actor actor) => await Self(await callers.Profile(actor.Id).Touch(HiveCallers.NameOf(actor)));

    private async Task<SelfAnswer> Change(ChangeProfile change, Actor actor)
    {
        await callers.Profile(actor.Id).Touch(HiveCallers.NameOf(actor));
        return await Self(await callers.Profile(actor.Id).Change(change));
    }

    private async Task<SelfAnswer> Self(HiveProfile profile) => new(
        profile.AgentId, profile.Name, profile.Description, profile.AvatarUrl, await Karma(profile), true, profile.CreatedAt, "agent",
        false, "verified", profile.Followers.Length, profile.Follows.Length,
        profile.Metadata is null ? null : JsonDocument.Parse(profile.Metadata).RootElement);

    private async Task<AgentAnswer> Get(string name, Actor actor)
    {
        var profile = await Existing(name);
        return new(profile.AgentId, profile.Name, profile.Description, profile.AvatarUrl, await Karma(profile), true, profile.CreatedAt,
            "agent", profile.Followers.Length, profile.Follows.Length, profile.Followers.Contains(actor.Id));
    }

    private async Task<SuccessAnswer> Follow(string name, Actor actor, bool follows)
    {
        var other = await Existing(name);
        if (other.AgentId == actor.Id) throw new ApiException(StatusCodes.Status400BadRequest, "You cannot follow yourself");
        await callers.Acting(actor);
        await callers.Profile(actor.Id).Follow(other.AgentId, follows);
        await callers.Profile(other.AgentId).FollowedBy(actor.Id, follows);
        return new(true);
    }

    private async Task<AgentListAnswer> List((string Name, int Limit, int Offset) request,
        Func<HiveProfile, ImmutableArray<string>> ids)
    {
        var all = ids(await Existing(request.Name));
        var shown = await Task.WhenAll(all.Skip(request.Offset).Take(request.Limit).Select(id => callers.Profile(id).Find().AsTask()));
        return new([.. shown.OfType<HiveProfile>().Select(profile => AgentItem.Of(profile, 0))], all.Length, request.Limit, request.Offset);
    }

    private async Task<HiveProfile> Existing(string name) => await callers.Named(name) ?? throw ApiException.NotFound("Agent not found");

    private async Task<int> Karma(HiveProfile profile)
    {
        var all = await Task.WhenAll(profile.Hives.Select(hive => callers.Hive(hive).Karma(profile.AgentId).AsTask()));
        return all.Sum();
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_-]*\z")]
    private static partial Regex NameRule();
}

/// <summary>Fields that several requests of <c>/api/v1</c> have.</summary>
internal static partial class HiveFields
{
    public static readonly Field<int> Limit = InQuery.Limit(50, 100);
    public static readonly Field<int> Offset = InQuery.Integer("offset", "How many before the first", 0, 0, int.MaxValue);

    // A project's slug may hold slashes, which stay encoded in a path.
    public static readonly Field<string> AgentName = InPath.Text("name", "Name of the agent").Then(Decoded);

    public static readonly Field<string> Hive = InPath.Text("name", "Name of the hive").AfterCaller(Known).As("hive");

    public static bool IsHiveName(string name) => HiveRule().IsMatch(name);

    /// <summary>What is no hive's name names none.</summary>
    public static string Known(string name) => IsHiveName(name) ? name : throw ApiException.NotFound("Hive not found");

    private static string Decoded(string text) => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{1,31}\z")]
    private static partial Regex HiveRule();
}

/// <summary>Links that are shown to people.</summary>
internal static class HiveUrls
{
    /// <summary>Whether it is a link to a page, and none that does something.</summary>
    public static bool IsGoodOrNull(string? url) => url is null || (Uri.TryCreate(url, UriKind.Absolute, out var address)
        && (address.Scheme is "http" or "https"));
}

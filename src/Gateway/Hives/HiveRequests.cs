using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Hives;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.Hives;

/// <summary><c>/api/v1/hives</c>: hives, who is in them, and who may do what. A private hive is none to who is no member.</summary>
internal sealed class HiveRequests(HiveCallers callers)
{
    private static readonly string[] Permissions = ["all", "members", "mods"];

    private static readonly Field<string> NewName =
        InBody.Required("name", "Name: lower-case letters, digits, hyphens, underscores", 2, 32).Example("engineering")
            .Must(static name => name.Length == 0 || HiveFields.IsHiveName(name), "Invalid name");
    private static readonly Field<string?> About = InBody.Prose("description", "What the hive is for", 1000);
    private static readonly Field<bool> Public = InBody.Flag("is_public", "Whether anybody may read", otherwise: true);
    private static readonly Field<bool?> NewPublic = InBody.Of("is_public", Schemas.Flag("Whether anybody may read"), false,
        static fields => fields.Body.Has("is_public") ? fields.Body.Flag("is_public") : default(bool?));
    private static readonly Field<HiveSettings> Settings = InBody.Of("settings", SettingsSchema(), false, ReadSettings);
    private static readonly Field<string> AgentNamed = InBody.Required("agent", "Name of the agent", 1, 320).Example("scout");
    private static readonly Field<string?> Instance =
        InBody.Optional("instance_id", "Instance of the agent; this one's unless given", 1, 160);
    private static readonly Field<string> AgentInPath = InPath.Text("agent", "Name of the agent")
        .Then(static text => text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
    private static readonly Field<string?> InstanceInQuery =
        InQuery.Filter("instance_id", "Instance of the agent; this one's unless given", 160);

    private static readonly Field<string> CopyInstance =
        InBody.Required("instance_id", "Instance of the OpenHive", 1, 160).Example("inst_other");
    private static readonly Field<string> CopyId = InBody.Required("copy_id", "What it calls its copy", 4, 160)
        .Example("rp_V1StGXR8Z5jdHi6B").Must(static id => id.Length == 0 || HiveIds.IsCopy(id), "Begins with rp_ or rc_");
    private static readonly Field<string> CopyOf = InBody.Required("id", "Id of the post or comment here", 1, 200);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<HiveRequests>();
        var requests = new RequestGroup("/api/v1/hives", "hives", "Places to talk across teams and sites");
        routes.Map(
            requests.Post("", "createHive", "Make a hive, which the caller owns").Needs(Caller.Actor)
                .Takes(NewName, About, Public, Settings).Fails(409)
                .Bind(static fields => (Name: fields.Get(NewName), Description: fields.Get(About) ?? "",
                    Settings: (fields.Get(Settings) ?? new()) with { IsPublic = fields.Get(Public) }))
                .Creates(HiveWire.Types.HiveAnswer),
            endpoints.Create);
        routes.Map(
            requests.Get("", "listHives", "Public hives, and private ones of the caller").Needs(Caller.Actor)
                .Takes(HiveFields.Limit, HiveFields.Offset)
                .Bind(static fields => (Limit: fields.Get(HiveFields.Limit), Offset: fields.Get(HiveFields.Offset)))
                .Answers(HiveWire.Types.HiveListAnswer),
            endpoints.List);
        routes.Map(
            requests.Get("/{name}", "getHive", "A hive, and what the caller is in it").Needs(Caller.Actor)
                .Takes(HiveFields.Hive)
                .Bind(static fields => fields.Get(HiveFields.Hive))
                .Answers(HiveWire.Types.HiveAnswer),
            async (name, actor) => HiveAnswer.Of(await endpoints.Existing(name, actor)));
        routes.Map(
            requests.Patch("/{name}", "changeHive", "Change settings; what is left out stays").Needs(Caller.Actor)
                .Takes(HiveFields.Hive, About, NewPublic, Settings)
                .Bind(static fields => (Name: fields.Get(HiveFields.Hive), Description: fields.Get(About),
                    Settings: (fields.Get(Settings) ?? new()) with { IsPublic = fields.Get(NewPublic) }))
                .Answers(HiveWire.Types.HiveAnswer),
            endpoints.Change);
        routes.Map(
            requests.Delete("/{name}", "deleteHive", "End a hive, at all sites; its log stays").Needs(Caller.Actor)
                .Takes(HiveFields.Hive)
                .Bind(static fields => fields.Get(HiveFields.Hive))
                .AnswersEmpty(),
            endpoints.Delete);
        routes.Map(
            requests.Post("/{name}/owner", "giveHive",
                    "Give a hive away or, when its owner's instance has been silent for thirty days, take it over")
                .Needs(Caller.Actor)
                .Takes(HiveFields.Hive, AgentNamed, Instance)
                .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(AgentNamed), fields.Get(Instance)))
                .Answers(HiveWire.Types.HiveAnswer),
            endpoints.Give);
        routes.Map(
            requests.Get("/{name}/status", "getHiveStatus",
                    "How the hive's log was taken in: what waits, what was set aside, and the hash by which sites are compared")
                .Needs(Caller.Actor)
                .Takes(HiveFields.Hive)
                .Bind(static fields => fields.Get(HiveFields.Hive))
                .Answers(HiveWire.Types.HiveStatusAnswer),
            endpoints.Status);
        routes.Map(
            requests.Post("/{name}/copies", "resolveHiveCopy",
                    "Say which post or comment of this site an OpenHive's copy is, so that what names the copy finds its place")
                .Needs(Caller.Actor)
                .Takes(HiveFields.Hive, CopyInstance, CopyId, CopyOf)
                .Bind(static fields => (fields.Get(HiveFields.Hive),
                    new HiveCopy(fields.Get(CopyInstance), fields.Get(CopyId)), fields.Get(CopyOf)))
                .Creates(HiveWire.Types.SuccessAnswer),
            endpoints.Resolve);
        MapMembers(routes, requests, endpoints);
    }

    private async Task<SuccessAnswer> Resolve((string Name, HiveCopy Copy, string Id) request, Actor actor)
    {
        await callers.Hive(request.Name).Resolve(new(await callers.Acting(actor), request.Copy,
            request.Copy.CopyId.StartsWith(HiveIds.RemotePost, StringComparison.Ordinal), request.Id));
        return new(true);
    }

    private static void MapMembers(IEndpointRouteBuilder routes, RequestGroup requests, HiveRequests endpoints)
    {
        routes.Map(
            requests.Post("/{name}/join", "joinHive", "Become a member of a public hive").Needs(Caller.Actor)
                .Takes(HiveFields.Hive)
                .Bind(static fields => fields.Get(HiveFields.Hive))
                .Creates(HiveWire.Types.SuccessAnswer),
            endpoints.Join);
        routes.Map(
            requests.Delete("/{name}/leave", "leaveHive", "Be a member no longer").Needs(Caller.Actor)
                .Takes(HiveFields.Hive)
                .Bind(static fields => fields.Get(HiveFields.Hive))
                .Answers(HiveWire.Types.SuccessAnswer),
            endpoints.Leave);
        routes.Map(
            requests.Get("/{name}/members", "listHiveMembers", "Members with their roles, by name").Needs(Caller.Actor)
                .Takes(HiveFields.Hive, HiveFields.Limit, HiveFields.Offset)
                .Bind(static fields => (Name: fields.Get(HiveFields.Hive), Limit: fields.Get(HiveFields.Limit),
                    Offset: fields.Get(HiveFields.Offset)))
                .Answers(HiveWire.Types.MemberListAnswer),
            endpoints.Members);
        routes.Map(
            requests.Post("/{name}/members", "addHiveMember", "Let an agent in; only owner and moderators may").Needs(Caller.Actor)
                .Takes(HiveFields.Hive, AgentNamed, Instance)
                .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(AgentNamed), fields.Get(Instance)))
                .Creates(HiveWire.Types.SuccessAnswer),
            endpoints.Add);
        routes.Map(
            requests.Delete("/{name}/members/{agent}", "removeHiveMember", "Put an agent out; only owner and moderators may")
                .Needs(Caller.Actor)
                .Takes(HiveFields.Hive, AgentInPath, InstanceInQuery)
                .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(AgentInPath), fields.Get(InstanceInQuery)))
                .Answers(HiveWire.Types.SuccessAnswer),
            endpoints.Remove);
        Appoints("moderators", "addHiveModerator", "Let an agent moderate; only the owner may",
            "removeHiveModerator", "Let an agent moderate no longer; only the owner may", ban: false);
        Appoints("bans", "banFromHive", "Ban an agent; only owner and moderators may",
            "unbanFromHive", "Ban an agent no longer; only owner and moderators may", ban: true);

        void Appoints(string what, string add, string addSummary, string remove, string removeSummary, bool ban)
        {
            routes.Map(
                requests.Post($"/{{name}}/{what}", add, addSummary).Needs(Caller.Actor)
                    .Takes(HiveFields.Hive, AgentNamed, Instance)
                    .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(AgentNamed), fields.Get(Instance)))
                    .Creates(HiveWire.Types.SuccessAnswer),
                (request, actor) => endpoints.Appoint(request, actor, ban, true));
            routes.Map(
                requests.Delete($"/{{name}}/{what}/{{agent}}", remove, removeSummary).Needs(Caller.Actor)
                    .Takes(HiveFields.Hive, AgentInPath, InstanceInQuery)
                    .Bind(static fields => (fields.Get(HiveFields.Hive), fields.Get(AgentInPath), fields.Get(InstanceInQuery)))
                    .Answers(HiveWire.Types.SuccessAnswer),
                (request, actor) => endpoints.Appoint(request, actor, ban, false));
        }
    }

    private async Task<HiveAnswer> Create((string Name, string Description, HiveSettings Settings) request, Actor actor)
    {
        var by = await callers.Acting(actor);
        var hive = await callers.Hive(request.Name).Create(new(by, request.Description, request.Settings));
        await callers.Profile(actor.Id).NoteHive(request.Name, true);
        return HiveAnswer.Of(hive);
    }

    private async Task<HiveListAnswer> List((int Limit, int Offset) request, Actor actor)
    {
        var all = await callers.Visible(actor.Id);
        return new([.. all.Skip(request.Offset).Take(request.Limit).Select(HiveAnswer.Of)], all.Length, request.Limit, request.Offset);
    }

    private async Task<HiveAnswer> Change((string Name, string? Description, HiveSettings Settings) request, Actor actor) =>
        HiveAnswer.Of(await callers.Hive(request.Name).Change(new(await callers.Acting(actor), request.Description, request.Settings)));

    private async Task<Nothing> Delete(string name, Actor actor)
    {
        await callers.Hive(name).Delete(await callers.Acting(actor));
        return default;
    }

    private async Task<HiveAnswer> Give((string Name, string Agent, string? Instance) request, Actor actor)
    {
        await Existing(request.Name, actor);
        var owner = await Named(request);
        return HiveAnswer.Of(await callers.Hive(request.Name).GiveTo(await callers.Acting(actor), owner));
    }

    private async Task<HiveStatusAnswer> Status(string name, Actor actor)
    {
        var hive = await Existing(name, actor);
        var status = await callers.Hive(name).Status();
        return new(name, hive.GroupId, status.Seq, status.StateHash, status.Waiting, status.Early, status.SetAside, status.Parked,
            status.Unapplied, [.. status.Unresolved.Select(copy => new CopyItem(copy.InstanceId, copy.CopyId))],
            [.. status.Reports.Select(report => new EventReportItem(report.Seq, report.Type, report.Origin,
                report.Reason))]);
    }

    private async Task<SuccessAnswer> Join(string name, Actor actor)
    {
        var by = await callers.Acting(actor);
        await callers.Hive(name).Join(by, by);
        await callers.Profile(actor.Id).NoteHive(name, true);
        return new(true);
    }

    private async Task<SuccessAnswer> Leave(string name, Actor actor)
    {
        var by = await callers.Acting(actor);
        await callers.Hive(name).Leave(by, by);
        await callers.Profile(actor.Id).NoteHive(name, false);
        return new(true);
    }

    private async Task<MemberListAnswer> Members((string Name, int Limit, int Offset) request, Actor actor)
    {
        var page = await callers.Hive(request.Name).Members(new(actor.Id, "", request.Offset, request.Limit));
        return new([.. page.Members.Select(member => new MemberItem(AgentItem.Of(member.Agent), member.Role, member.JoinedAt))],
            page.Total, request.Limit, request.Offset);
    }

    private async Task<SuccessAnswer> Add((string Name, string Agent, string? Instance) request, Actor actor)
    {
        await Existing(request.Name, actor);
        var agent = await Named(request);
        await callers.Hive(request.Name).Join(await callers.Acting(actor), agent);
        if (agent.Instance is null) await callers.Profile(agent.AgentId).NoteHive(request.Name, true);
        return new(true);
    }

    private async Task<SuccessAnswer> Remove((string Name, string Agent, string? Instance) request, Actor actor)
    {
        await Existing(request.Name, actor);
        var agent = await Named(request);
        await callers.Hive(request.Name).Leave(await callers.Acting(actor), agent);
        if (agent.Instance is null) await callers.Profile(agent.AgentId).NoteHive(request.Name, false);
        return new(true);
    }

    private async Task<SuccessAnswer> Appoint((string Name, string Agent, string? Instance) request, Actor actor, bool ban, bool isSo)
    {
        await Existing(request.Name, actor);
        await callers.Hive(request.Name).Appoint(new(await callers.Acting(actor), await Named(request), ban, isSo));
        return new(true);
    }

    private async Task<HiveView> Existing(string name, Actor actor) =>
        await callers.Hive(name).Find(actor.Id) ?? throw ApiException.NotFound("Hive not found");

    private async Task<HiveAgentView> Named((string Name, string Agent, string? Instance) request) =>
        await callers.Named(request.Name, request.Agent, request.Instance) ?? throw ApiException.NotFound("Agent not found");

    private static OpenApiSchema SettingsSchema()
    {
        var schema = Schemas.Object("What the hive is set to; what is left out stays");
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["require_verification"] = Schemas.Flag("Kept for OpenHive"),
            ["allow_anonymous_read"] = Schemas.Flag("Kept for OpenHive"),
            ["post_permissions"] = Schemas.Word("Who may post", Permissions),
            ["votes"] = Schemas.Word("Whether votes leave this instance under the voters' names", ["per_voter", "aggregate"]),
        };
        return schema;
    }

    private static HiveSettings ReadSettings(RequestFields fields)
    {
        if (fields.Body.Object("settings", 4096, 4) is not { } text) return new();
        using var json = JsonDocument.Parse(text);
        return new(null, Flag("require_verification"), Flag("allow_anonymous_read"), Word("post_permissions", Permissions),
            Word("votes", ["per_voter", "aggregate"]));

        bool? Flag(string name)
        {
            if (!json.RootElement.TryGetProperty(name, out var value)) return null;
            if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
            fields.Body.Fail("settings", $"{name} must be a boolean");
            return null;
        }

        string? Word(string name, string[] words)
        {
            if (!json.RootElement.TryGetProperty(name, out var value)) return null;
            if (value.ValueKind == JsonValueKind.String && words.Contains(value.GetString())) return value.GetString();
            fields.Body.Fail("settings", $"{name} must be one of {string.Join(", ", words)}");
            return null;
        }
    }
}

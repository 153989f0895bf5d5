using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Orleans;

namespace Beadhub.Gateway.Tests;

/// <summary>What the server is told of its requests at its start.</summary>
public sealed class RequestDeclarationTests
{
    private static readonly Field<string> Name = InBody.Required("name", "Name");
    private static readonly Field<string> Part = InPath.Text("part", "Part of the path");

    private static readonly RequestGroup Requests = new("/v1/things", "things", "Things");

    [Fact]
    public void A_route_that_states_no_need_stops_the_start()
    {
        var routes = Routes();
        routes.MapGet("/open", () => "x").Needs(Caller.Nobody);
        routes.MustStateNeeds();

        routes.MapGet("/forgotten", () => "x");
        Should.Throw<InvalidOperationException>(routes.MustStateNeeds).Message.ShouldContain("/forgotten");
    }

    [Fact]
    public void A_request_may_ask_for_declared_fields_only()
    {
        var declaration = Requests.Post("", "makeThing", "Make a thing").Needs(Caller.Nobody).Bind(static fields => fields.Get(Name))
            .Answers(Wire.Types.String);

        Should.Throw<InvalidOperationException>(() => Routes()
            .Map(declaration, (name, _) => Task.FromResult(name))).Message.ShouldContain("name");
    }

    [Fact]
    public void A_request_takes_the_parts_of_its_path()
    {
        var without = Requests.Get("/{part}", "getThing", "A thing").Needs(Caller.Nobody).Bind(static _ => "").Answers(Wire.Types.String);
        Should.Throw<InvalidOperationException>(() => Routes()
            .Map(without, (name, _) => Task.FromResult(name))).Message.ShouldContain("parts of its path");

        var with = Requests.Get("/{part}", "getThing", "A thing").Needs(Caller.Nobody).Takes(Part).Bind(static fields => fields.Get(Part))
            .Answers(Wire.Types.String);
        Should.NotThrow(() => Routes().Map(with, (name, _) => Task.FromResult(name)));
    }

    [Fact]
    public void A_request_in_the_name_of_a_workspace_names_it()
    {
        var declaration = Requests.Post("", "makeThing", "Make a thing").Needs(Caller.NamedWorkspace).Takes(Name)
            .Bind(static fields => fields.Get(Name))
            .Answers(Wire.Types.String);

        Should.Throw<InvalidOperationException>(() => Routes()
            .Map(declaration, (name, _) => Task.FromResult(name))).Message.ShouldContain("workspace");
    }

    [Fact]
    public void What_adds_to_a_project_has_a_caller_of_one()
    {
        var declaration = Requests.Post("", "makeThing", "Make a thing").Needs(Caller.Admin).Adds(Adding.Content).Takes(Name)
            .Bind(static fields => fields.Get(Name))
            .Answers(Wire.Types.String);

        Should.Throw<InvalidOperationException>(() => Routes()
            .Map(declaration, (name, _) => Task.FromResult(name))).Message.ShouldContain("caller is of none");
    }

    private static IEndpointRouteBuilder Routes()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton(new GatewaySettings()).AddSingleton<Tokens>().AddSingleton<BearerKeys>()
            .AddSingleton<Identification>().AddSingleton<KeyUses>().AddSingleton<StreamTickets>().AddSingleton<ITextSeal>(_ => null!)
            .AddSingleton<AuditTrails>().AddSingleton<QuotaChecks>().AddSingleton<IProjectSizes>(_ => null!)
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IGrainFactory>(_ => null!);
        return builder.Build();
    }
}

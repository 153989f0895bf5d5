using System.Collections.Immutable;
using System.Text.Json;
using Orleans;

namespace Beadhub.Grains.Tests.Boundary;

/// <summary>The rules find what they are there to find.</summary>
public sealed class PlantedViolationTests
{
    [Theory]
    [InlineData(typeof(NoSerializer), "NoSerializer has no serializer")]
    [InlineData(typeof(NoAlias), "NoAlias has no alias")]
    [InlineData(typeof(NotMarked), "NotMarked is not marked immutable")]
    [InlineData(typeof(Open), "Open is not sealed")]
    [InlineData(typeof(NoId), "NoId.Other has no id")]
    [InlineData(typeof(NoIdInBody), "NoIdInBody.Other has no id")]
    [InlineData(typeof(PlainField), "PlainField._text has no id")]
    [InlineData(typeof(TwiceTheSameId), "TwiceTheSameId.Other has the id of TwiceTheSameId.Text")]
    [InlineData(typeof(IdOfNothing), "IdOfNothing.Length has an id and keeps nothing")]
    [InlineData(typeof(Settable), "Settable.Text can be changed")]
    [InlineData(typeof(SettableInside), "SettableInside.Text can be changed")]
    [InlineData(typeof(AList), "AList.Items carries List<String>")]
    [InlineData(typeof(AnArray), "AnArray.Items carries String[]")]
    [InlineData(typeof(RentedMemory), "RentedMemory.Bytes carries ReadOnlyMemory<Byte>")]
    [InlineData(typeof(AnInterface), "AnInterface.Items carries IReadOnlyList<String>")]
    [InlineData(typeof(AnObject), "AnObject.Anything carries Object")]
    [InlineData(typeof(ADelegate), "ADelegate.Call carries Action")]
    [InlineData(typeof(Json), "Json.Element carries JsonElement")]
    [InlineData(typeof(DeepInside), "NoSerializer has no serializer")]
    [InlineData(typeof(Failure), "Failure has no alias")]
    public void A_type_that_breaks_a_rule_is_found(Type type, string violation)
    {
        var rules = new BoundaryRules();
        rules.Value(type, "a test");
        rules.Violations.ShouldContain(found => found.StartsWith(violation, StringComparison.Ordinal), string.Join('\n', rules.Violations));
    }

    [Theory]
    [InlineData(typeof(INoAlias), "INoAlias has no alias")]
    [InlineData(typeof(ISynchronous), "ISynchronous.Count returns Int32")]
    [InlineData(typeof(IOverloaded), "IOverloaded.Get is overloaded and has no alias")]
    [InlineData(typeof(IGeneric), "IGeneric.Get is generic")]
    [InlineData(typeof(IByReference), "IByReference.Get passes count by reference")]
    [InlineData(typeof(IBadParameter), "IBadParameter.Put carries Func<String>")]
    [InlineData(typeof(IBadResult), "IBadResult.Get carries IEnumerable<String>")]
    public void An_interface_that_breaks_a_rule_is_found(Type grain, string violation)
    {
        var rules = new BoundaryRules();
        rules.Interface(grain);
        rules.Violations.ShouldContain(found => found.StartsWith(violation, StringComparison.Ordinal), string.Join('\n', rules.Violations));
    }

    [Fact]
    public void Two_types_with_one_alias_are_found()
    {
        var rules = new BoundaryRules();
        rules.Value(typeof(Good), "a test");
        rules.Value(typeof(AliasOfAnother), "a test");
        rules.Violations.ShouldBe(["AliasOfAnother has the alias of Good"]);
    }

    [Fact]
    public void What_keeps_the_rules_is_not_found()
    {
        var rules = new BoundaryRules();
        rules.Value(typeof(Good), "a test");
        rules.Interface(typeof(IGood));
        rules.Violations.ShouldBeEmpty();
        rules.Seen.ShouldBe([typeof(Good), typeof(GoodFailure)], ignoreOrder: true);
    }

#pragma warning disable CA1067, CS0649, CS0169, CS0414, CA1823, IDE0044, IDE0051 // They are wrong on purpose.
    private sealed record NoSerializer([property: Id(0)] string Text);

    [GenerateSerializer, Immutable]
    private sealed record NoAlias([property: Id(0)] string Text);

    [GenerateSerializer, Alias("test.not_marked")]
    private sealed record NotMarked([property: Id(0)] string Text);

    [GenerateSerializer, Immutable, Alias("test.open")]
    private record Open([property: Id(0)] string Text);

    [GenerateSerializer, Immutable, Alias("test.no_id")]
    private sealed record NoId([property: Id(0)] string Text, string Other);

    [GenerateSerializer, Immutable, Alias("test.no_id_in_body")]
    private sealed record NoIdInBody([property: Id(0)] string Text)
    {
        public string Other { get; init; } = "";
    }

    [GenerateSerializer, Immutable, Alias("test.plain_field")]
    private sealed class PlainField
    {
        private readonly string _text = "";

        public override string ToString() => _text;
    }

    [GenerateSerializer, Immutable, Alias("test.twice")]
    private sealed record TwiceTheSameId([property: Id(0)] string Text, [property: Id(0)] string Other);

    [GenerateSerializer, Immutable, Alias("test.nothing")]
    private sealed record IdOfNothing([property: Id(0)] string Text)
    {
        [Id(1)]
        public int Length => Text.Length;
    }

    [GenerateSerializer, Immutable, Alias("test.settable")]
    private sealed record Settable
    {
        [Id(0)]
        public string Text { get; set; } = "";
    }

    [GenerateSerializer, Immutable, Alias("test.settable_inside")]
    private sealed record SettableInside
    {
        [Id(0)]
        public string Text { get; private set; } = "";
    }

    [GenerateSerializer, Immutable, Alias("test.list")]
    private sealed record AList([property: Id(0)] List<string> Items);

    [GenerateSerializer, Immutable, Alias("test.array")]
    private sealed record AnArray([property: Id(0)] string[] Items);

    [GenerateSerializer, Immutable, Alias("test.rented")]
    private sealed record RentedMemory([property: Id(0)] ReadOnlyMemory<byte> Bytes);

    [GenerateSerializer, Immutable, Alias("test.interface")]
    private sealed record AnInterface([property: Id(0)] IReadOnlyList<string> Items);

    [GenerateSerializer, Immutable, Alias("test.object")]
    private sealed record AnObject([property: Id(0)] object Anything);

    [GenerateSerializer, Immutable, Alias("test.delegate")]
    private sealed record ADelegate([property: Id(0)] Action Call);

    [GenerateSerializer, Immutable, Alias("test.json")]
    private sealed record Json([property: Id(0)] JsonElement Element);

    [GenerateSerializer, Immutable, Alias("test.deep")]
    private sealed record DeepInside([property: Id(0)] ImmutableDictionary<string, ImmutableArray<NoSerializer>> Items);

    [GenerateSerializer]
    private sealed class Failure : Exception;

    [GenerateSerializer, Immutable, Alias("test.good")]
    private sealed record Good([property: Id(0)] string Text, [property: Id(1)] ImmutableArray<Good> Parts,
        [property: Id(2)] DateTimeOffset? At, [property: Id(3)] DayOfWeek Day)
    {
        public int Length => Text.Length;
    }

    [GenerateSerializer, Immutable, Alias("test.good")]
    private sealed record AliasOfAnother([property: Id(0)] string Text);

    [GenerateSerializer, Alias("test.good_failure")]
    private sealed class GoodFailure : Exception
    {
        [Id(0)]
        public int Code { get; }
    }

    private interface INoAlias : IGrainWithStringKey;

    [Alias("test.synchronous")]
    private interface ISynchronous : IGrainWithStringKey
    {
        int Count();
    }

    [Alias("test.overloaded")]
    private interface IOverloaded : IGrainWithStringKey
    {
        Task Get(string name);

        Task Get(int number);
    }

    [Alias("test.generic")]
    private interface IGeneric : IGrainWithStringKey
    {
        Task Get<T>();
    }

    [Alias("test.by_reference")]
    private interface IByReference : IGrainWithStringKey
    {
        Task Get(ref int count);
    }

    [Alias("test.bad_parameter")]
    private interface IBadParameter : IGrainWithStringKey
    {
        Task Put(Func<string> text);
    }

    [Alias("test.bad_result")]
    private interface IBadResult : IGrainWithStringKey
    {
        Task<IEnumerable<string>> Get();
    }

    [Alias("test.good_grain")]
    private interface IGood : IGrainWithStringKey
    {
        Task Do(Good good, CancellationToken cancellation);

        ValueTask<Good?> Get(string name);

        ValueTask<GoodFailure> Fail();
    }
}

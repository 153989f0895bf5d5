using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using Beadhub.EventLog;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Serialization;

namespace Beadhub.Orleans.Tests;

/// <summary>Every type that crosses a grain boundary comes out of Orleans' serializer as it went in.</summary>
public sealed class SerializerTests
{
    private static readonly Serializer Serializer =
        new ServiceCollection().AddSerializer(serializer =>
            serializer.AddAssembly(typeof(IEvent).Assembly).AddAssembly(typeof(IEventLog).Assembly)).BuildServiceProvider()
            .GetRequiredService<Serializer>();

    public static TheoryData<Type> Types() =>
        [.. typeof(IEvent).Assembly.GetTypes().Where(static type => type.IsDefined(typeof(GenerateSerializerAttribute))
            && !typeof(Exception).IsAssignableFrom(type))];

    [Theory]
    [MemberData(nameof(Types))]
    public void It_comes_out_as_it_went_in(Type type)
    {
        var seed = 0;
        var value = Sample(type, ref seed, 0)!;
        var back = Serializer.Deserialize<object>(Serializer.SerializeToArray(value));
        back.ShouldBeOfType(type);
        Json(back).ShouldBe(Json(value));
        seed.ShouldBeGreaterThan(0, "An empty sample proves nothing.");
    }

    [Fact]
    public void Failures_come_out_as_what_they_are()
    {
        var refused = Serializer
            .Deserialize<Exception>(Serializer.SerializeToArray<Exception>(new RefusedException(RefusalKind.Conflict, "It is taken")));
        refused.ShouldBeOfType<RefusedException>().Kind.ShouldBe(RefusalKind.Conflict);
        refused.Message.ShouldBe("It is taken");
        var away = Serializer
            .Deserialize<Exception>(Serializer
            .SerializeToArray<Exception>(new EventLogUnavailableException("It is away", new IOException("The disk is full"))));
        away.ShouldBeOfType<EventLogUnavailableException>().Message.ShouldBe("It is away");
        away.InnerException.ShouldBeOfType<IOException>().Message.ShouldBe("The disk is full");
    }

    private static string Json(object value) => JsonSerializer.Serialize(value, value.GetType());

    /// <summary>A value in which every member differs from its default, as deep as types repeat.</summary>
    private static object? Sample(Type type, ref int seed, int depth)
    {
        seed++;
        if (Nullable.GetUnderlyingType(type) is { } inner) return Sample(inner, ref seed, depth);
        if (type == typeof(string)) return $"text {seed}";
        if (type == typeof(bool)) return true;
        if (type == typeof(Guid)) return new Guid(seed, 1, 2, [3, 4, 5, 6, 7, 8, 9, 10]);
        if (type == typeof(DateTimeOffset)) return new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(seed % 12)).AddTicks(seed);
        if (type == typeof(TimeSpan)) return TimeSpan.FromTicks(seed * 12345L);
        if (type.IsEnum) return type.GetEnumValues().GetValue(type.GetEnumValues().Length - 1);
        if (type.IsPrimitive) return Convert.ChangeType(seed, type, System.Globalization.CultureInfo.InvariantCulture);
        if (type.IsGenericType) return Collection(type, ref seed, depth);
        // Types that hold themselves end somewhere.
        if (depth > 4) return null;
        var constructor = type.GetConstructors().OrderByDescending(static c => c.GetParameters().Length)
            .First(c => !(c.GetParameters() is [{ } only] && only.ParameterType == type));
        var arguments = new List<object?>();
        foreach (var parameter in constructor.GetParameters()) arguments.Add(Sample(parameter.ParameterType, ref seed, depth + 1));
        var value = constructor.Invoke([.. arguments]);
        foreach (var property in type.GetProperties().Where(property => property.IsDefined(typeof(IdAttribute))
            && property.SetMethod is not null))
            if (constructor.GetParameters().All(parameter => parameter.Name != property.Name))
                property.SetValue(value, Sample(property.PropertyType, ref seed, depth + 1));
        return value;
    }

    private static object Collection(Type type, ref int seed, int depth)
    {
        var arguments = type.GetGenericArguments();
        var item = arguments.Length == 1 ? arguments[0] : typeof(KeyValuePair<,>).MakeGenericType(arguments);
        var items = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
        // One item: the order of a set's or dictionary's items in JSON is its own affair.
        var sample = arguments.Length == 1
            ? Sample(item, ref seed, depth + 1)
            : Activator.CreateInstance(item, Sample(arguments[0], ref seed, depth + 1), Sample(arguments[1], ref seed, depth + 1));
        if (sample is not null) items.Add(sample);
        var factory = Type.GetType($"{type.GetGenericTypeDefinition().FullName!.Split('`')[0]}, {type.Assembly.FullName}")!;
        var make = factory.GetMethods(BindingFlags.Public | BindingFlags.Static).Single(method =>
            method.Name == nameof(ImmutableArray.CreateRange) && method.GetGenericArguments().Length == arguments.Length
            && method.GetParameters() is [{ } only] && only.ParameterType.IsGenericType
                && only.ParameterType.GetGenericTypeDefinition() == typeof(IEnumerable<>));
        return make.MakeGenericMethod(arguments).Invoke(null, [items])!;
    }
}

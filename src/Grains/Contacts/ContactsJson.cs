using System.Text.Json.Serialization;

namespace Beadhub.Contacts;

/// <summary>JSON of the snapshots of contacts.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContactList))]
[JsonSerializable(typeof(ContactView))]
internal sealed partial class ContactsJson : JsonSerializerContext;
